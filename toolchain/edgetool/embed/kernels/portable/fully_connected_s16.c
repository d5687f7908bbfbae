/* needs: dot_s16 math */
/* FULLY_CONNECTED of 16-bit activations. LiteRT multiplies by the factor itself, in double precision, and rounds halves
   away from zero; a multiplier of 31 bits is a step off for 1 result in some millions. Once an output, not a product. */
typedef struct {
  const int8_t *weights; /* [num_outputs][num_inputs] */
  const int64_t *biases; /* [num_outputs] */
  const double *factors; /* [num_outputs] */
  int32_t num_rows, num_inputs, num_outputs;
  int32_t low, high;
} fully_connected_s16_t;

NOINLINE static void fully_connected_s16(const fully_connected_s16_t *p, const int16_t *input, int16_t *output) {
  for (int32_t row = 0; row < p->num_rows; ++row) {
    for (int32_t i = 0; i < p->num_outputs; ++i) {
      const int64_t sum = p->biases[i] + dot_s16(input, p->weights + i * p->num_inputs, p->num_inputs);
      const double steps = round((double)sum * p->factors[i]);
      *output++ = (int16_t)(steps < p->low ? p->low : (steps > p->high ? p->high : steps));
    }
    input += p->num_inputs;
  }
}
