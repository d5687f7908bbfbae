/* needs: dot_f32 clamp_f32 */
/* FULLY_CONNECTED. */
typedef struct {
  const float *weights; /* [num_outputs][num_inputs] */
  const float *biases; /* [num_outputs] */
  int32_t num_rows, num_inputs, num_outputs;
  float low, high;
} fully_connected_f32_t;

NOINLINE static void fully_connected_f32(const fully_connected_f32_t *p, const float *input, float *output) {
  for (int32_t row = 0; row < p->num_rows; ++row) {
    for (int32_t i = 0; i < p->num_outputs; ++i) {
      const float sum = dot_f32(p->weights + i * p->num_inputs, input, p->num_inputs);
      *output++ = clamp_f32(sum + p->biases[i], p->low, p->high);
    }
    input += p->num_inputs;
  }
}
