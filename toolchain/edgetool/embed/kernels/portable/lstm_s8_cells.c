/* needs: rescale_twice clamp_s8 clamp_s16 lstm_s8_functions */
/* UNIDIRECTIONAL_SEQUENCE_LSTM in int8 with a 16-bit state: one sequence, from a state of zeros. */
typedef struct {
  const void *input_weights; /* [4][num_cells][num_inputs]: input, forget, cell and output gate */
  const void *recurrent_weights; /* [4][num_cells][num_cells] */
  const int32_t *input_biases; /* [4][num_cells], the input's zero point taken off */
  const int32_t *recurrent_biases; /* [4][num_cells], likewise of the output before */
  const int32_t *input_multipliers; /* [4], to steps of 2^-12 */
  const int8_t *input_shifts;
  const int32_t *recurrent_multipliers;
  const int8_t *recurrent_shifts;
  int32_t num_steps, num_inputs, num_cells;
  int32_t state_bits; /* integer bits of the cells' state */
  int32_t low, high; /* of the state */
  int32_t out_multiplier, out_shift, out_zero;
} lstm_s8_t;

/* round(value / 2^shift), halves away from zero. */
static int32_t lstm_s8_round(int32_t value, int32_t shift) {
  return (value + ((int32_t)1 << (shift - 1)) - (int32_t)(value < 0)) >> shift;
}

/* The state and the output of one step, from its gates. */
static void lstm_s8_cells(const lstm_s8_t *p, const int16_t *gates, int16_t *state, int8_t *output) {
  const int32_t n = p->num_cells;
  for (int32_t i = 0; i < n; ++i) {
    const int32_t kept = lstm_s8_round(gates[n + i] * state[i], 15);
    const int32_t added = lstm_s8_round(gates[i] * gates[2 * n + i], 15 + p->state_bits);
    state[i] = clamp_s16(kept + added, p->low, p->high);
    const int32_t product = gates[3 * n + i] * lstm_s8_tanh(state[i], p->state_bits);
    const int32_t value = rescale_twice(product, p->out_multiplier, p->out_shift) + p->out_zero;
    output[i] = clamp_s8(value, INT8_MIN, INT8_MAX);
  }
}
