/* Of MEAN and SUM. */
typedef struct {
  int32_t num_outer, num_reduced, num_inner, in_zero, multiplier, shift, out_zero;
} mean_s8_t;

/* The sum of one group of values, the zero point taken off. */
static int32_t mean_s8_total(const mean_s8_t *p, const int8_t *input) {
  int32_t sum = -p->in_zero * p->num_reduced;
  for (int32_t i = 0; i < p->num_reduced; ++i) {
    sum += input[i * p->num_inner];
  }
  return sum;
}
