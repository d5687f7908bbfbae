/* needs: conv_s8_patch exact_s8 exact_dot_s8 */
/* Some channels of a CONV_2D; weights lie as for conv_s8. */
typedef conv_s8_t exact_conv_s8_t;

static void exact_conv_s8(const conv_s8_t *p, const int8_t *input, int8_t *output, void *scratch) {
  int8_t *const patch = (int8_t *)scratch;
  const int32_t depth = p->kernel_h * p->kernel_w * p->in_c;
  for (int32_t y = 0; y < p->out_h; ++y) {
    for (int32_t x = 0; x < p->out_w; ++x) {
      conv_s8_patch(p, input, y * p->stride_h - p->pad_top, x * p->stride_w - p->pad_left, patch);
      for (int32_t c = 0; c < p->out_c; ++c) {
        const int32_t sum = exact_dot_s8(p->biases[c], (const int8_t *)p->weights + c * depth, patch, depth);
        *output++ = exact_store_s8(exact_twice(sum, p->multipliers[c], p->shifts[c]), p->out_zero, p->low, p->high);
      }
    }
  }
}
