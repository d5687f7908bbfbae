/* needs: dot_s8 lstm_s8_cells */
/* All gates of one step, int16 [4][num_cells]; `hidden` is the output before, NULL where that is zeros. */
static void lstm_s8_gates(const lstm_s8_t *p, const int8_t *input, const int8_t *hidden, int16_t *gates) {
  const int8_t *const input_weights = (const int8_t *)p->input_weights;
  const int8_t *const recurrent_weights = (const int8_t *)p->recurrent_weights;
  const int32_t n = p->num_cells;
  for (int32_t i = 0; i < 4 * n; ++i) {
    const int32_t gate = i / n;
    int32_t sum = p->input_biases[i] + dot_s8(input_weights + i * p->num_inputs, input, p->num_inputs);
    sum = rescale_twice(sum, p->input_multipliers[gate], p->input_shifts[gate]);
    int32_t value = clamp_s16(sum, INT16_MIN, INT16_MAX);
    if (hidden != NULL) {
      sum = p->recurrent_biases[i] + dot_s8(recurrent_weights + i * n, hidden, n);
      sum = rescale_twice(sum, p->recurrent_multipliers[gate], p->recurrent_shifts[gate]);
      value = clamp_s16(value + sum, INT16_MIN, INT16_MAX);
    }
    gates[i] = (int16_t)(gate == 2 ? lstm_s8_tanh(value, 3) : lstm_s8_sigmoid(value));
  }
}

/* scratch: the cells' state and four gates, int16 [5][num_cells] */
static void lstm_s8(const lstm_s8_t *p, const int8_t *input, int8_t *output, void *scratch) {
  const int32_t n = p->num_cells;
  int16_t *const state = (int16_t *)scratch, *const gates = state + n;
  const int8_t *hidden = NULL;
  memset(state, 0, (size_t)n * sizeof *state);
  for (int32_t step = 0; step < p->num_steps; ++step) {
    lstm_s8_gates(p, input, hidden, gates);
    lstm_s8_cells(p, gates, state, output);
    hidden = output;
    input += p->num_inputs;
    output += n;
  }
}
