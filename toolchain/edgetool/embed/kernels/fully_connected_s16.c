/* needs: dot_s16 rescale_long clamp_s16 */
/* FULLY_CONNECTED of 16-bit activations. */
typedef struct {
  const int8_t *weights; /* [num_outputs][num_inputs] */
  const int64_t *biases; /* [num_outputs] */
  const int32_t *multipliers; /* [num_outputs] */
  const int8_t *shifts;
  int32_t num_rows, num_inputs, num_outputs;
  int32_t low, high;
} fully_connected_s16_t;

NOINLINE static void fully_connected_s16(const fully_connected_s16_t *p, const int16_t *input, int16_t *output) {
  for (int32_t row = 0; row < p->num_rows; ++row) {
    for (int32_t i = 0; i < p->num_outputs; ++i) {
      const int64_t sum = p->biases[i] + dot_s16(input, p->weights + i * p->num_inputs, p->num_inputs);
      *output++ = clamp_s16(rescale_long(sum, p->multipliers[i], p->shifts[i]), p->low, p->high);
    }
    input += p->num_inputs;
  }
}
