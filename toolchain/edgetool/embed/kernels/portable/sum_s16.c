/* needs: rescale_once clamp_s16 */
/* SUM of 16-bit activations over neighbouring axes, rounded once. */
typedef struct {
  int32_t num_outer, num_reduced, num_inner, in_zero, multiplier, shift, out_zero;
} sum_s16_t;

static void sum_s16(const sum_s16_t *p, const int16_t *input, int16_t *output) {
  for (int32_t outer = 0; outer < p->num_outer; ++outer) {
    for (int32_t inner = 0; inner < p->num_inner; ++inner) {
      int32_t sum = -p->in_zero * p->num_reduced;
      for (int32_t i = 0; i < p->num_reduced; ++i) {
        sum += input[i * p->num_inner + inner];
      }
      *output++ = clamp_s16(rescale_once(sum, p->multiplier, p->shift) + p->out_zero, INT16_MIN, INT16_MAX);
    }
    input += p->num_reduced * p->num_inner;
  }
}
