/* needs: lstm_s8_fast mve */
/* UNIDIRECTIONAL_SEQUENCE_LSTM with Helium; weights lie as for fully_connected_s8_mve. */
typedef lstm_s8_t lstm_s8_mve_t;

static void lstm_s8_mve_products(const lstm_s8_t *p, int of_input, const int8_t *vector, int32_t depth, int32_t *sums) {
  const int8_t *weights = (const int8_t *)(of_input ? p->input_weights : p->recurrent_weights);
  const int32_t *const biases = of_input ? p->input_biases : p->recurrent_biases, num_rows = 4 * p->num_cells;
  for (int32_t i = 0; i < num_rows; i += 4) {
    int32_t s0 = biases[i], s1 = biases[i + 1], s2 = biases[i + 2], s3 = biases[i + 3];
    for (int32_t k = 0; k < depth; k += 16) {
      s0 = mve_dot(s0, weights, vector + k);
      s1 = mve_dot(s1, weights + 16, vector + k);
      s2 = mve_dot(s2, weights + 32, vector + k);
      s3 = mve_dot(s3, weights + 48, vector + k);
      weights += 64;
    }
    sums[i] = s0;
    sums[i + 1] = s1;
    sums[i + 2] = s2;
    sums[i + 3] = s3;
  }
}

NOINLINE static void lstm_s8_mve(const lstm_s8_t *p, const int8_t *input, int8_t *output, void *scratch) {
  lstm_s8_run(p, input, output, scratch, 16, lstm_s8_mve_products);
}
