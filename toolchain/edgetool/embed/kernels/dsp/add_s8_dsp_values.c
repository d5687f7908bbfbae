/* needs: sum_s8_scales rescale_down clamp_all_s8 */
/* ADD of a run of values; no shift goes to the left, that of the sum to the right. An input that shifts by nothing has the
   multiplier 2^30, for the larger scale is exactly half of the common one: it is doubled first, then halved. */
typedef struct {
  int32_t unit, offset, multiplier, right;
} add_s8_dsp_input_t;

INLINE add_s8_dsp_input_t add_s8_dsp_input(int32_t left, int32_t zero, int32_t multiplier, int32_t shift) {
  const int32_t is_half = shift == 0, unit = (int32_t)1 << (left + 1 + is_half);
  const add_s8_dsp_input_t input = {unit, -zero * unit, multiplier, is_half - shift};
  return input;
}

/* The value at the common scale, and a sum. */
INLINE int32_t add_s8_dsp_one(const add_s8_dsp_input_t *p, int32_t value, int32_t sum) {
  const int32_t high = dsp_smmulr(value * p->unit + p->offset, p->multiplier);
  return dsp_round(high - (int32_t)(high < 0), p->right, sum);
}

NOINLINE static void add_s8_dsp_values(const sum_s8_scales_t *p, const int8_t *a, const int8_t *b, int8_t *output,
                                       int32_t count) {
  const add_s8_dsp_input_t first = add_s8_dsp_input(p->left_shift, p->zero_0, p->multiplier_0, p->shift_0);
  const add_s8_dsp_input_t second = add_s8_dsp_input(p->left_shift, p->zero_1, p->multiplier_1, p->shift_1);
  const int32_t multiplier = p->out_multiplier, right = -p->out_shift, zero = p->out_zero;
  for (int32_t i = 0; i < count; ++i) {
    const int32_t sum = add_s8_dsp_one(&second, b[i], add_s8_dsp_one(&first, a[i], 0));
    output[i] = rescale_doubled(sum * 2, multiplier, right, zero);
  }
  clamp_all_s8(output, count, p->low, p->high);
}
