/* needs: mean_s8_type rescale_once clamp_s8 */
/* SUM over neighbouring axes, rounded once. */
typedef mean_s8_t sum_s8_t;

static void sum_s8(const sum_s8_t *p, const int8_t *input, int8_t *output) {
  for (int32_t outer = 0; outer < p->num_outer; ++outer) {
    for (int32_t inner = 0; inner < p->num_inner; ++inner) {
      const int32_t sum = mean_s8_total(p, input + inner);
      *output++ = clamp_s8(rescale_once(sum, p->multiplier, p->shift) + p->out_zero, INT8_MIN, INT8_MAX);
    }
    input += p->num_reduced * p->num_inner;
  }
}
