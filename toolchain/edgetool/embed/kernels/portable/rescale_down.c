/* needs: dsp */
/* How sums become stored values where every channel shifts right by 1 or more and no sum reaches 2^30. */
typedef struct {
  const int32_t *multipliers;
  const int8_t *rights;
  int32_t zero, low, high;
} output_scale_t;

/* round(twice / 2 * multiplier * 2^(-right - 31)), in two steps as rescale_twice (halves away from zero), and a zero. */
INLINE int8_t rescale_doubled(int32_t twice, int32_t multiplier, int32_t right, int32_t zero) {
  const int32_t high = dsp_smmulr(twice, multiplier);
  return (int8_t)dsp_ssat8(dsp_round(high - (int32_t)(high < 0), right, zero));
}

/* The same of a sum, clamped. */
INLINE int8_t rescale_down(output_scale_t scale, int32_t sum, int32_t channel) {
  int32_t value = rescale_doubled(sum * 2, scale.multipliers[channel], scale.rights[channel], scale.zero);
  if (scale.low > -128 || scale.high < 127) {
    value = value < scale.low ? scale.low : (value > scale.high ? scale.high : value);
  }
  return (int8_t)value;
}
