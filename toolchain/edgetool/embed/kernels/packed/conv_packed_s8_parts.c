/* needs: conv_packed_s8_type conv_s8_patch conv_packed_s8_store dot_s8 */
/* All filters, part by part, with the ADD behind them where there are scales. */
INLINE void conv_packed_s8_parts(const conv_packed_s8_t *p, const int8_t *input, const sum_s8_scales_t *scales,
                                 const int8_t *other, int8_t *output, void *scratch) {
  const conv_s8_t *const conv = &p->conv;
  const int32_t depth = conv->kernel_h * conv->kernel_w * conv->in_c;
  conv_packed_s8_work_t work = conv_packed_s8_begin(p, depth, scratch);
  const conv_s8_t *const part = &work.part;
  int8_t *const patch = work.rest, *const made = patch + depth;
  for (int32_t first = 0; first < conv->out_c; first += p->filters) {
    conv_packed_s8_next(p, &work, depth, first);
    int32_t at = first;
    for (int32_t y = 0; y < conv->out_h; ++y) {
      for (int32_t x = 0; x < conv->out_w; ++x) {
        conv_s8_patch(conv, input, y * conv->stride_h - conv->pad_top, x * conv->stride_w - conv->pad_left, patch);
        for (int32_t c = 0; c < part->out_c; ++c) {
          const int32_t sum = part->biases[c] + dot_s8(work.weights + c * depth, patch, depth);
          const int32_t value = rescale_twice(sum, part->multipliers[c], part->shifts[c]) + conv->out_zero;
          made[c] = clamp_s8(value, conv->low, conv->high);
        }
        conv_packed_s8_store(made, part->out_c, scales, other + at, output + at);
        at += conv->out_c;
      }
    }
  }
}
