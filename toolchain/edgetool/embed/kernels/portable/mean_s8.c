/* needs: mean_s8_type rescale_twice clamp_s8 */
/* MEAN over neighbouring axes. */
static void mean_s8(const mean_s8_t *p, const int8_t *input, int8_t *output) {
  for (int32_t outer = 0; outer < p->num_outer; ++outer) {
    for (int32_t inner = 0; inner < p->num_inner; ++inner) {
      const int32_t sum = mean_s8_total(p, input + inner);
      *output++ = clamp_s8(rescale_twice(sum, p->multiplier, p->shift) + p->out_zero, INT8_MIN, INT8_MAX);
    }
    input += p->num_reduced * p->num_inner;
  }
}
