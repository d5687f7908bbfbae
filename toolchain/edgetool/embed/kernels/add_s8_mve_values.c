/* needs: add_s8_one mve */
/* ADD of a run of values, four at a time; no shift goes to the left. */
static void add_s8_mve_values(const sum_s8_scales_t *p, const int8_t *a, const int8_t *b, int8_t *output,
                              int32_t count) {
  const mve_scale_t scale = {NULL, NULL, p->out_zero, p->low, p->high};
  const int32_t odd_0 = p->shift_0 < 0 ? -1 : 0, odd_1 = p->shift_1 < 0 ? -1 : 0, odd = p->out_shift < 0 ? -1 : 0;
  int32_t i = 0;
  for (; i + 4 <= count; i += 4) {
    const mve_four_t x = mve_rescale(mve_widen(a + i, p->zero_0, p->left_shift), p->multiplier_0, -p->shift_0, odd_0);
    const mve_four_t y = mve_rescale(mve_widen(b + i, p->zero_1, p->left_shift), p->multiplier_1, -p->shift_1, odd_1);
    mve_write(scale, mve_rescale(mve_sum(x, y), p->out_multiplier, -p->out_shift, odd), output + i, 4);
  }
  for (; i < count; ++i) {
    output[i] = add_s8_one(p, a[i], b[i]);
  }
}
