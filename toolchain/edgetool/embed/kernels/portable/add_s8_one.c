/* needs: sum_s8_scales rescale_twice clamp_s8 */
/* ADD of two values of two scales. */
static int8_t add_s8_one(const sum_s8_scales_t *p, int32_t a, int32_t b) {
  const int32_t unit = (int32_t)1 << p->left_shift;
  const int32_t x = rescale_twice((a - p->zero_0) * unit, p->multiplier_0, p->shift_0);
  const int32_t y = rescale_twice((b - p->zero_1) * unit, p->multiplier_1, p->shift_1);
  return clamp_s8(rescale_twice(x + y, p->out_multiplier, p->out_shift) + p->out_zero, p->low, p->high);
}
