/* needs: add_s8_one simd_store */
/* ADD of a run of values, sixteen at a time; no shift goes to the left. */
static void add_s8_simd_values(const sum_s8_scales_t *p, const int8_t *a, const int8_t *b, int8_t *output,
                               int32_t count) {
  const simd_scales_t range = {NULL, NULL, NULL, p->out_zero, p->low, p->high};
  const simd_t none = simd_all(0), minus_0 = simd_all(-p->zero_0), minus_1 = simd_all(-p->zero_1);
  const simd_scale_t of_a = simd_scale(none, simd_all(p->multiplier_0), simd_all(-p->shift_0), 0, 1);
  const simd_scale_t of_b = simd_scale(none, simd_all(p->multiplier_1), simd_all(-p->shift_1), 0, 1);
  const simd_scale_t of_sum = simd_scale(none, simd_all(p->out_multiplier), simd_all(-p->out_shift), p->out_zero, 1);
  int32_t i = 0;
  for (; i + 16 <= count; i += 16) {
    const simd_t x = simd_left(simd_add(simd_widen(a + i), minus_0), p->left_shift);
    const simd_t y = simd_left(simd_add(simd_widen(b + i), minus_1), p->left_shift);
    const simd_t sum = simd_add(simd_twice(&of_a, x), simd_twice(&of_b, y));
    simd_store(&range, simd_twice(&of_sum, sum), output + i, 16);
  }
  for (; i < count; ++i) {
    output[i] = add_s8_one(p, a[i], b[i]);
  }
}
