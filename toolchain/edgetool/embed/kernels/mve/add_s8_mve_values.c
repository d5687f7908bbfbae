/* needs: sum_s8_scales mve */
/* ADD of a run of values, four at a time; see add_s8_dsp_values for an input that shifts by nothing. */
static void add_s8_mve_values(const sum_s8_scales_t *p, const int8_t *a, const int8_t *b, int8_t *output,
                              int32_t count) {
  const mve_scale_t scale = {NULL, NULL, p->out_zero, p->low, p->high};
  const int32_t half_0 = p->shift_0 == 0, half_1 = p->shift_1 == 0;
  const int32_t left_0 = p->left_shift + half_0, right_0 = half_0 - p->shift_0;
  const int32_t left_1 = p->left_shift + half_1, right_1 = half_1 - p->shift_1;
  for (int32_t i = 0; i < count; i += 4) {
    mve_four_t x, y;
    if (count - i >= 4) {
      x = mve_widen(a + i, p->zero_0, left_0);
      y = mve_widen(b + i, p->zero_1, left_1);
    } else {
      int8_t last[8] = {0, 0, 0, 0, 0, 0, 0, 0};
      memcpy(last, a + i, (size_t)(count - i));
      memcpy(last + 4, b + i, (size_t)(count - i));
      x = mve_widen(last, p->zero_0, left_0);
      y = mve_widen(last + 4, p->zero_1, left_1);
    }
    x = mve_rescale(x, p->multiplier_0, right_0);
    y = mve_rescale(y, p->multiplier_1, right_1);
    mve_write(scale, mve_rescale(mve_sum(x, y), p->out_multiplier, -p->out_shift), output + i, count - i);
  }
}
