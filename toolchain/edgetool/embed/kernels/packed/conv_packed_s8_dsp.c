/* needs: conv_packed_s8_dsp_parts */
/* CONV_2D of packed weights. */
typedef conv_packed_s8_t conv_packed_s8_dsp_t;

NOINLINE static void conv_packed_s8_dsp(const conv_packed_s8_t *p, const int8_t *input, int8_t *output, void *scratch) {
  conv_packed_s8_dsp_parts(p, input, NULL, input, output, scratch);
}
