/* needs: dot_f32 clamp_f32 */
/* SVDF: each filter's products with the last inputs are kept, and weighted by their age. */
typedef struct {
  const float *feature_weights; /* [num_filters][num_inputs] */
  const float *time_weights; /* [num_filters][num_steps] */
  const float *biases; /* [num_filters / rank] */
  int32_t num_inputs, num_filters, num_steps, rank;
  float low, high;
} svdf_f32_t;

/* state: [num_filters][num_steps], the newest last */
static void svdf_f32(const svdf_f32_t *p, const float *input, float *output, float *state) {
  for (int32_t unit = 0; unit < p->num_filters / p->rank; ++unit) {
    float sum = p->biases[unit];
    for (int32_t filter = unit * p->rank; filter < (unit + 1) * p->rank; ++filter) {
      float *const steps = state + filter * p->num_steps;
      memmove(steps, steps + 1, (size_t)(p->num_steps - 1) * sizeof *steps);
      steps[p->num_steps - 1] = dot_f32(p->feature_weights + filter * p->num_inputs, input, p->num_inputs);
      sum += dot_f32(p->time_weights + filter * p->num_steps, steps, p->num_steps);
    }
    output[unit] = clamp_f32(sum, p->low, p->high);
  }
}
