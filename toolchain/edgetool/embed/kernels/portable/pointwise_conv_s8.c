/* needs: pointwise_conv_s8_type rescale_twice clamp_s8 dot_s8 */
/* CONV_2D of one pixel and stride 1: no patch to gather. */
static void pointwise_conv_s8(const pointwise_conv_s8_t *p, const int8_t *input, int8_t *output) {
  for (int32_t pixel = 0; pixel < p->num_pixels; ++pixel) {
    for (int32_t c = 0; c < p->out_c; ++c) {
      const int32_t sum = p->biases[c] + dot_s8((const int8_t *)p->weights + c * p->in_c, input, p->in_c);
      *output++ = clamp_s8(rescale_twice(sum, p->multipliers[c], p->shifts[c]) + p->out_zero, p->low, p->high);
    }
    input += p->in_c;
  }
}
