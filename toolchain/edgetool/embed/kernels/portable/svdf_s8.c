/* needs: dot_s8 rescale_twice clamp_s8 clamp_s16 */
/* SVDF: each filter's products with the last inputs are kept in 16 bits, and weighted by their age. */
typedef struct {
  const int8_t *feature_weights; /* [num_filters][num_inputs] */
  const int32_t *feature_biases; /* [num_filters], of the input's zero point */
  const int16_t *time_weights; /* [num_filters][num_steps] */
  const int32_t *biases; /* [num_filters / rank] */
  int32_t num_inputs, num_filters, num_steps, rank;
  int32_t state_multiplier, state_shift, out_multiplier, out_shift, out_zero, low, high;
} svdf_s8_t;

/* state: [num_filters][num_steps], the newest last */
static void svdf_s8(const svdf_s8_t *p, const int8_t *input, int8_t *output, int16_t *state) {
  for (int32_t unit = 0; unit < p->num_filters / p->rank; ++unit) {
    int32_t sum = p->biases[unit];
    for (int32_t filter = unit * p->rank; filter < (unit + 1) * p->rank; ++filter) {
      int16_t *const steps = state + filter * p->num_steps;
      const int16_t *const weights = p->time_weights + filter * p->num_steps;
      memmove(steps, steps + 1, (size_t)(p->num_steps - 1) * sizeof *steps);
      const int32_t product =
          p->feature_biases[filter] + dot_s8(p->feature_weights + filter * p->num_inputs, input, p->num_inputs);
      const int32_t scaled = rescale_twice(product, p->state_multiplier, p->state_shift);
      steps[p->num_steps - 1] = clamp_s16(scaled, INT16_MIN, INT16_MAX);
      for (int32_t i = 0; i < p->num_steps; ++i) {
        sum += weights[i] * steps[i];
      }
    }
    output[unit] = clamp_s8(rescale_twice(sum, p->out_multiplier, p->out_shift) + p->out_zero, p->low, p->high);
  }
}
