/* needs: conv_packed_s8_parts */
/* CONV_2D of packed weights. */
NOINLINE static void conv_packed_s8(const conv_packed_s8_t *p, const int8_t *input, int8_t *output, void *scratch) {
  conv_packed_s8_parts(p, input, NULL, input, output, scratch);
}
