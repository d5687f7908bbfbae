/* needs: fully_connected_packed_s8 sparse_dot_s8 */
/* FULLY_CONNECTED of sparse weights: what is zero is neither stored nor multiplied. */
typedef fully_connected_packed_s8_t fully_connected_sparse_s8_t;

NOINLINE static void fully_connected_sparse_s8(const fully_connected_packed_s8_t *p, const int8_t *input,
                                               int8_t *output, void *scratch) {
  int32_t *const table = (int32_t *)scratch;
  packed_table(&p->packed, table);
  for (int32_t row = 0; row < p->layer.num_rows; ++row) {
    const uint8_t *codes = (const uint8_t *)p->layer.weights;
    for (int32_t i = 0; i < p->layer.num_outputs; ++i) {
      const int32_t count = p->packed.counts[i];
      *output++ = fully_connected_packed_s8_output(p, i, sparse_dot_s8(codes, count, table, input));
      codes += count;
    }
    input += p->layer.num_inputs;
  }
}
