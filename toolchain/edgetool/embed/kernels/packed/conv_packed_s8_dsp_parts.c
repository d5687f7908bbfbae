/* needs: conv_packed_s8_type conv_packed_s8_store conv_s8_dsp */
/* All filters, part by part, two pixels at a time, with the ADD behind them where there are scales. Weights are packed in
   the order in which conv_s8_dsp has them, both filters' side by side. */

/* Join weights that lie side by side as sums_dsp wants them: where the first is negative, the second loses 1. */
static void conv_packed_s8_dsp_join(int8_t *weights, int32_t size) {
  for (int32_t i = 0; i < size; i += 4) {
    uint32_t word = dsp_load(weights + i);
    const uint32_t upper = ((word & 0xFF00FF00u) | 0x00FF0000u) - ((word & 0x00800080u) << 1);
    word = (upper & 0xFF00FF00u) | (word & 0x00FF00FFu);
    memcpy(weights + i, &word, sizeof word);
  }
}

INLINE void conv_packed_s8_dsp_parts(const conv_packed_s8_t *p, const int8_t *input, const sum_s8_scales_t *scales,
                                     const int8_t *other, int8_t *output, void *scratch) {
  const conv_s8_t *const conv = &p->conv;
  const conv_s8_sizes_t sizes = conv_s8_dsp_sizes(conv, p->apart);
  conv_packed_s8_work_t work = conv_packed_s8_begin(p, sizes.depth, scratch);
  int16_t *const columns = (int16_t *)(void *)work.rest;
  int8_t *const made = (int8_t *)(columns + sizes.second + sizes.depth); /* of two pixels */
  memset(columns, 0, (size_t)(sizes.second + sizes.depth) * sizeof *columns);
  for (int32_t first = 0; first < conv->out_c; first += p->filters) {
    conv_packed_s8_next(p, &work, sizes.depth, first);
    conv_packed_s8_dsp_join(work.weights, p->filters * sizes.depth);
    int32_t at = first;
    for (int32_t y = 0; y < conv->out_h; ++y) {
      for (int32_t x = 0; x < conv->out_w; x += 2) {
        const int32_t count = x + 1 < conv->out_w ? 2 : 1;
        conv_s8_gather(conv, input, y, x, count, &sizes, columns);
        conv_s8_dsp_filters(&work.part, columns, &sizes, made, count);
        for (int32_t i = 0; i < count; ++i) {
          conv_packed_s8_store(made + i * work.part.out_c, work.part.out_c, scales, other + at, output + at);
          at += conv->out_c;
        }
      }
    }
  }
}
