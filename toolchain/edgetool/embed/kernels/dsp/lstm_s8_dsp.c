/* needs: lstm_s8_fast rows_dsp */
/* UNIDIRECTIONAL_SEQUENCE_LSTM with the sums of fully_connected_s8_dsp, whose weights lie likewise. A weight of -128 in
   the second row of a pair is -127 there, and taken off once more. */
typedef struct {
  lstm_s8_t layer;
  const int32_t *input_rests; /* [num_input_rests][2], row and column */
  const int32_t *recurrent_rests;
  int32_t num_input_rests, num_recurrent_rests;
} lstm_s8_dsp_t;

static void lstm_s8_dsp_products(const lstm_s8_t *p, int of_input, const int8_t *vector, int32_t depth, int32_t *sums) {
  const lstm_s8_dsp_t *const all = (const lstm_s8_dsp_t *)(const void *)p;
  const uint32_t *weights = (const uint32_t *)(of_input ? p->input_weights : p->recurrent_weights);
  const int32_t *rests = of_input ? all->input_rests : all->recurrent_rests;
  const int32_t num_rests = of_input ? all->num_input_rests : all->num_recurrent_rests, num_rows = 4 * p->num_cells;
  memcpy(sums, of_input ? p->input_biases : p->recurrent_biases, (size_t)num_rows * sizeof *sums);
  for (int32_t i = 0; i < num_rows; i += 4) {
    for (int32_t k = 0; k < depth; k += PAIR_WEIGHTS) {
      const int32_t left = depth - k, num_weights = left < PAIR_WEIGHTS ? left : PAIR_WEIGHTS;
      fully_connected_s8_dsp_block(weights, vector + k, num_weights, sums + i);
      weights += num_weights;
    }
  }
  for (int32_t i = 0; i < num_rests; ++i) {
    sums[rests[2 * i]] -= vector[rests[2 * i + 1]];
  }
}

NOINLINE static void lstm_s8_dsp(const lstm_s8_dsp_t *p, const int8_t *input, int8_t *output, void *scratch) {
  lstm_s8_run(&p->layer, input, output, scratch, 4, lstm_s8_dsp_products);
}
