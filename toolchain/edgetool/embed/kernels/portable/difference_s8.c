/* needs: sum_s8_scales rescale_twice */
/* The difference of two values of two scales, in the scale that both come to. */
static int32_t difference_s8(const sum_s8_scales_t *p, int32_t a, int32_t b) {
  const int32_t unit = (int32_t)1 << p->left_shift;
  const int32_t x = rescale_twice((a - p->zero_0) * unit, p->multiplier_0, p->shift_0);
  return x - rescale_twice((b - p->zero_1) * unit, p->multiplier_1, p->shift_1);
}
