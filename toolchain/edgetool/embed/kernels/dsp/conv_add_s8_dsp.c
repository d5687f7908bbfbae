/* needs: conv_s8_dsp add_s8_dsp_values */
/* CONV_2D as conv_s8_dsp and the ADD behind it; output may be the other summand. */
typedef struct {
  conv_s8_t conv;
  sum_s8_scales_t scales;
} conv_add_s8_dsp_t;

NOINLINE static void conv_add_s8_dsp(const conv_add_s8_dsp_t *p, const int8_t *input, const int8_t *other, int8_t *output,
                                     void *scratch) {
  const conv_s8_t *const conv = &p->conv;
  const conv_s8_sizes_t sizes = conv_s8_dsp_sizes(conv, 0);
  int16_t *const columns = (int16_t *)scratch;
  int8_t *const made = (int8_t *)(columns + sizes.second + sizes.depth); /* of two pixels */
  memset(columns, 0, (size_t)(sizes.second + sizes.depth) * sizeof *columns);
  for (int32_t y = 0; y < conv->out_h; ++y) {
    for (int32_t x = 0; x < conv->out_w; x += 2) {
      const int32_t count = x + 1 < conv->out_w ? 2 : 1;
      conv_s8_gather(conv, input, y, x, count, &sizes, columns);
      conv_s8_dsp_filters(conv, columns, &sizes, made, count);
      add_s8_dsp_values(&p->scales, made, other, output, count * conv->out_c);
      other += count * conv->out_c;
      output += count * conv->out_c;
    }
  }
}
