/* needs: conv_packed_s8_type conv_s8_mve add_s8_mve_values */
/* All filters, part by part, two pixels at a time, with the ADD behind them where there are scales. Weights are packed in
   the order in which conv_s8_mve has them. */
INLINE void conv_packed_s8_mve_parts(const conv_packed_s8_t *p, const int8_t *input, const sum_s8_scales_t *scales,
                                     const int8_t *other, int8_t *output, void *scratch) {
  const conv_s8_t *const conv = &p->conv;
  const conv_s8_sizes_t sizes = conv_s8_mve_sizes(conv, p->apart);
  conv_packed_s8_work_t work = conv_packed_s8_begin(p, sizes.depth, scratch);
  int8_t *const columns = work.rest, *const made = columns + sizes.second + sizes.depth; /* of two pixels */
  memset(columns, 0, (size_t)(sizes.second + sizes.depth));
  for (int32_t first = 0; first < conv->out_c; first += p->filters) {
    conv_packed_s8_next(p, &work, sizes.depth, first);
    int32_t at = first;
    for (int32_t y = 0; y < conv->out_h; ++y) {
      for (int32_t x = 0; x < conv->out_w; x += 2) {
        const int32_t count = x + 1 < conv->out_w ? 2 : 1;
        conv_s8_gather(conv, input, y, x, count, &sizes, columns);
        conv_s8_mve_filters(&work.part, columns, &sizes, made, count);
        for (int32_t i = 0; i < count; ++i) {
          const int8_t *const values = made + i * work.part.out_c;
          if (scales == NULL) {
            memcpy(output + at, values, (size_t)work.part.out_c);
          } else {
            add_s8_mve_values(scales, values, other + at, output + at, work.part.out_c);
          }
          at += conv->out_c;
        }
      }
    }
  }
}
