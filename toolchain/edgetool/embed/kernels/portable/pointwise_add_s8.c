/* needs: pointwise_conv_s8_type add_s8_one dot_s8 */
/* CONV_2D of one pixel and stride 1, and the ADD behind it; output may be the other summand, not the input. */
typedef struct {
  pointwise_conv_s8_t conv;
  sum_s8_scales_t scales;
} pointwise_add_s8_t;

static void pointwise_add_s8(const pointwise_add_s8_t *p, const int8_t *input, const int8_t *other, int8_t *output) {
  const pointwise_conv_s8_t *const conv = &p->conv;
  for (int32_t pixel = 0; pixel < conv->num_pixels; ++pixel) {
    for (int32_t c = 0; c < conv->out_c; ++c) {
      const int32_t sum = conv->biases[c] + dot_s8((const int8_t *)conv->weights + c * conv->in_c, input, conv->in_c);
      const int32_t made = rescale_twice(sum, conv->multipliers[c], conv->shifts[c]) + conv->out_zero;
      *output++ = add_s8_one(&p->scales, clamp_s8(made, conv->low, conv->high), *other++);
    }
    input += conv->in_c;
  }
}
