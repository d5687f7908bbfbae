/* needs: lstm_s8_cells */
/* The LSTM with sums of all rows at once, by a function of the core: products of the weights for inputs, or else of those
   for the outputs before, with a vector that is filled up to `chunk` values. */
typedef void (*lstm_s8_products_t)(const lstm_s8_t *p, int of_input, const int8_t *vector, int32_t depth, int32_t *sums);

/* Add to gates what sums over one vector come to; the first vector begins them. */
static void lstm_s8_add(const int32_t *sums, const int32_t *multipliers, const int8_t *shifts, int32_t num_cells,
                        int is_first, int16_t *gates) {
  for (int32_t gate = 0; gate < 4; ++gate) {
    const int32_t multiplier = multipliers[gate], shift = shifts[gate];
    for (int32_t i = 0; i < num_cells; ++i) {
      const int32_t value = is_first ? 0 : *gates;
      int32_t sum = rescale_twice(*sums++, multiplier, shift);
      if (is_first) {
        sum = clamp_s16(sum, INT16_MIN, INT16_MAX);
      }
      *gates++ = clamp_s16(value + sum, INT16_MIN, INT16_MAX);
    }
  }
}

static void lstm_s8_activate(int16_t *gates, int32_t num_cells) {
  for (int32_t i = 0; i < 4 * num_cells; ++i) {
    gates[i] = (int16_t)(i / num_cells == 2 ? lstm_s8_tanh(gates[i], 3) : lstm_s8_sigmoid(gates[i]));
  }
}

/* scratch: int32 sums [4][num_cells], a vector of int8 filled up, the cells' state and four gates, int16 [5][num_cells] */
INLINE void lstm_s8_run(const lstm_s8_t *p, const int8_t *input, int8_t *output, void *scratch, int32_t chunk,
                        lstm_s8_products_t products) {
  const int32_t n = p->num_cells, num_inputs = p->num_inputs;
  const int32_t in_depth = (num_inputs + chunk - 1) & -chunk, depth = (n + chunk - 1) & -chunk;
  const int32_t longest = in_depth > depth ? in_depth : depth;
  int32_t *const sums = (int32_t *)scratch;
  int16_t *const state = (int16_t *)(void *)(sums + 4 * n), *const gates = state + n;
  int8_t *const vector = (int8_t *)(gates + 4 * n);
  memset(state, 0, (size_t)n * sizeof *state);
  for (int32_t step = 0; step < p->num_steps; ++step) {
    memset(vector, 0, (size_t)longest);
    memcpy(vector, input, (size_t)num_inputs);
    products(p, 1, vector, in_depth, sums);
    lstm_s8_add(sums, p->input_multipliers, p->input_shifts, n, 1, gates);
    if (step > 0) {
      memset(vector, 0, (size_t)longest);
      memcpy(vector, output - n, (size_t)n);
      products(p, 0, vector, depth, sums);
      lstm_s8_add(sums, p->recurrent_multipliers, p->recurrent_shifts, n, 0, gates);
    }
    lstm_s8_activate(gates, n);
    lstm_s8_cells(p, gates, state, output);
    input += num_inputs;
    output += n;
  }
}
