/* needs: dot_f32 clamp_f32 math */
/* UNIDIRECTIONAL_SEQUENCE_LSTM: one sequence, from a state of zeros. */
typedef struct {
  const float *input_weights; /* [4][num_cells][num_inputs]: input, forget, cell and output gate */
  const float *recurrent_weights; /* [4][num_cells][num_cells] */
  const float *biases; /* [4][num_cells] */
  int32_t num_steps, num_inputs, num_cells;
  float clip; /* of the cells' state */
} lstm_f32_t;

static float lstm_f32_sigmoid(float x) { return 1.0f / (1.0f + expf(-x)); }

/* scratch: the cells' state and four gates, float [5][num_cells] */
static void lstm_f32(const lstm_f32_t *p, const float *input, float *output, void *scratch) {
  const int32_t n = p->num_cells;
  float *const state = (float *)scratch, *const gates = state + n;
  const float *hidden = NULL; /* zeros */
  memset(state, 0, (size_t)n * sizeof *state);
  for (int32_t step = 0; step < p->num_steps; ++step) {
    for (int32_t i = 0; i < 4 * n; ++i) {
      const float recurrent = hidden == NULL ? 0.0f : dot_f32(p->recurrent_weights + i * n, hidden, n);
      gates[i] = p->biases[i] + dot_f32(p->input_weights + i * p->num_inputs, input, p->num_inputs) + recurrent;
    }
    for (int32_t i = 0; i < n; ++i) {
      const float kept = lstm_f32_sigmoid(gates[n + i]) * state[i];
      const float added = lstm_f32_sigmoid(gates[i]) * tanhf(gates[2 * n + i]);
      state[i] = clamp_f32(kept + added, -p->clip, p->clip);
      output[i] = lstm_f32_sigmoid(gates[3 * n + i]) * tanhf(state[i]);
    }
    hidden = output;
    input += p->num_inputs;
    output += n;
  }
}
