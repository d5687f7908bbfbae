/* needs: rescale_twice clamp_s8 */
/* MEAN over neighbouring axes. */
typedef struct {
  int32_t num_outer, num_reduced, num_inner, in_zero, multiplier, shift, out_zero;
} mean_s8_t;

static void mean_s8(const mean_s8_t *p, const int8_t *input, int8_t *output) {
  for (int32_t outer = 0; outer < p->num_outer; ++outer) {
    for (int32_t inner = 0; inner < p->num_inner; ++inner) {
      int32_t sum = -p->in_zero * p->num_reduced;
      for (int32_t i = 0; i < p->num_reduced; ++i) {
        sum += input[i * p->num_inner + inner];
      }
      *output++ = clamp_s8(rescale_twice(sum, p->multiplier, p->shift) + p->out_zero, INT8_MIN, INT8_MAX);
    }
    input += p->num_reduced * p->num_inner;
  }
}
