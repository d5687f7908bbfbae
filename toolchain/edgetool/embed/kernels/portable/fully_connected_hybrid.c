/* needs: hybrid_values hybrid_dot clamp_f32 */
/* FULLY_CONNECTED of floats with int8 weights; each row is quantised as it comes. */
typedef struct {
  const int8_t *weights; /* [num_outputs][num_inputs] */
  const float *scales; /* of the weights, [num_outputs], or one where scale_step is 0 */
  const float *biases; /* [num_outputs] */
  int32_t num_rows, num_inputs, num_outputs;
  int32_t scale_step, is_symmetric;
  float low, high;
} fully_connected_hybrid_t;

NOINLINE static void fully_connected_hybrid(const fully_connected_hybrid_t *p, const float *input, float *output,
                                            void *scratch) {
  int8_t *const values = (int8_t *)scratch;
  for (int32_t row = 0; row < p->num_rows; ++row) {
    const hybrid_scale_t given = hybrid_values(input, p->num_inputs, p->is_symmetric, values);
    for (int32_t i = 0; i < p->num_outputs; ++i) {
      const int32_t sum = hybrid_dot(values, given.zero, p->weights + i * p->num_inputs, p->num_inputs);
      const float scale = given.scale * p->scales[i * p->scale_step];
      *output++ = clamp_f32(p->biases[i] + (float)sum * scale, p->low, p->high);
    }
    input += p->num_inputs;
  }
}
