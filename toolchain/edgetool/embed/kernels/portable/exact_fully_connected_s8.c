/* needs: fully_connected_s8_type exact_s8 exact_dot_s8 */
/* Some outputs of a FULLY_CONNECTED, each with a scale of its own. */
typedef fully_connected_s8_t exact_fully_connected_s8_t;

static void exact_fully_connected_s8(const fully_connected_s8_t *p, const int8_t *input, int8_t *output) {
  for (int32_t row = 0; row < p->num_rows; ++row) {
    for (int32_t i = 0; i < p->num_outputs; ++i) {
      const int32_t sum =
          exact_dot_s8(p->biases[i], (const int8_t *)p->weights + i * p->num_inputs, input, p->num_inputs);
      const int right = 31 - p->shifts[i];
      const int64_t value = ((int64_t)sum * p->multipliers[i] + ((int64_t)1 << (right - 1))) >> right;
      *output++ = exact_store_s8(value, p->out_zero, p->low, p->high);
    }
    input += p->num_inputs;
  }
}
