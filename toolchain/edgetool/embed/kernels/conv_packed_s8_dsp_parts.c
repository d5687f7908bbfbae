/* needs: conv_packed_s8_type conv_packed_s8_store conv_s8_dsp */
/* All filters, part by part, two pixels at a time, with the ADD behind them where there are scales. Weights are packed in
   the order in which conv_s8_dsp has them. */
INLINE void conv_packed_s8_dsp_parts(const conv_packed_s8_t *p, const int8_t *input, const sum_s8_scales_t *scales,
                                     const int8_t *other, int8_t *output, void *scratch) {
  const conv_s8_t *const conv = &p->conv;
  const int32_t depth = (conv->kernel_h * conv->kernel_w * conv->in_c + 3) & ~3;
  conv_packed_s8_work_t work = conv_packed_s8_begin(p, depth, scratch);
  uint32_t *const halves = (uint32_t *)(void *)work.rest;
  int8_t *const patch = (int8_t *)(halves + depth), *const made = patch + depth; /* of two pixels */
  memset(patch, 0, (size_t)depth);
  for (int32_t first = 0; first < conv->out_c; first += p->filters) {
    conv_packed_s8_next(p, &work, depth, first);
    int32_t at = first;
    for (int32_t y = 0; y < conv->out_h; ++y) {
      for (int32_t x = 0; x < conv->out_w; x += 2) {
        const int32_t count = x + 1 < conv->out_w ? 2 : 1;
        conv_s8_dsp_gather(conv, input, y, x, count, patch, depth, halves);
        conv_s8_dsp_filters(&work.part, halves, depth, made, count);
        for (int32_t i = 0; i < count; ++i) {
          conv_packed_s8_store(made + i * work.part.out_c, work.part.out_c, scales, other + at, output + at);
          at += conv->out_c;
        }
      }
    }
  }
}
