/* needs: conv_s8_patch rescale_twice clamp_s8 dot_s8 */
/* CONV_2D: the patch under each output pixel is gathered, then multiplied with every filter. */
static void conv_s8(const conv_s8_t *p, const int8_t *input, int8_t *output, void *scratch) {
  int8_t *const patch = (int8_t *)scratch;
  const int32_t depth = p->kernel_h * p->kernel_w * p->in_c;
  for (int32_t y = 0; y < p->out_h; ++y) {
    for (int32_t x = 0; x < p->out_w; ++x) {
      conv_s8_patch(p, input, y * p->stride_h - p->pad_top, x * p->stride_w - p->pad_left, patch);
      for (int32_t c = 0; c < p->out_c; ++c) {
        const int32_t sum = p->biases[c] + dot_s8((const int8_t *)p->weights + c * depth, patch, depth);
        *output++ = clamp_s8(rescale_twice(sum, p->multipliers[c], p->shifts[c]) + p->out_zero, p->low, p->high);
      }
    }
  }
}
