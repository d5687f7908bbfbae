/* needs: conv_s8_type conv_s8_patch rescale_twice clamp_s8 dot_s8 */
/* CONV_2D of weights with a zero point, which is taken off each sum with the patch's own sum. */
typedef struct {
  conv_s8_t conv; /* biases: the input's zero point taken off, with the weights' */
  int32_t weight_zero;
} conv_offset_s8_t;

static void conv_offset_s8(const conv_offset_s8_t *p, const int8_t *input, int8_t *output, void *scratch) {
  const conv_s8_t *const conv = &p->conv;
  int8_t *const patch = (int8_t *)scratch;
  const int32_t depth = conv->kernel_h * conv->kernel_w * conv->in_c;
  for (int32_t y = 0; y < conv->out_h; ++y) {
    for (int32_t x = 0; x < conv->out_w; ++x) {
      conv_s8_patch(conv, input, y * conv->stride_h - conv->pad_top, x * conv->stride_w - conv->pad_left, patch);
      int32_t total = 0;
      for (int32_t i = 0; i < depth; ++i) {
        total += patch[i];
      }
      for (int32_t c = 0; c < conv->out_c; ++c) {
        const int32_t sum = conv->biases[c] - p->weight_zero * total +
                            dot_s8((const int8_t *)conv->weights + c * depth, patch, depth);
        const int32_t scaled = rescale_twice(sum, conv->multipliers[c], conv->shifts[c]) + conv->out_zero;
        *output++ = clamp_s8(scaled, conv->low, conv->high);
      }
    }
  }
}
