/* needs: conv_s8_patch add_s8_one dot_s8 */
/* CONV_2D and the ADD behind it; output may be the other summand, not the input. */
typedef struct {
  conv_s8_t conv;
  sum_s8_scales_t scales;
} conv_add_s8_t;

static void conv_add_s8(const conv_add_s8_t *p, const int8_t *input, const int8_t *other, int8_t *output,
                        void *scratch) {
  const conv_s8_t *const conv = &p->conv;
  int8_t *const patch = (int8_t *)scratch;
  const int32_t depth = conv->kernel_h * conv->kernel_w * conv->in_c;
  for (int32_t y = 0; y < conv->out_h; ++y) {
    for (int32_t x = 0; x < conv->out_w; ++x) {
      conv_s8_patch(conv, input, y * conv->stride_h - conv->pad_top, x * conv->stride_w - conv->pad_left, patch);
      for (int32_t c = 0; c < conv->out_c; ++c) {
        const int32_t sum = conv->biases[c] + dot_s8((const int8_t *)conv->weights + c * depth, patch, depth);
        const int32_t made = rescale_twice(sum, conv->multipliers[c], conv->shifts[c]) + conv->out_zero;
        *output++ = add_s8_one(&p->scales, clamp_s8(made, conv->low, conv->high), *other++);
      }
    }
  }
}
