/* needs: dsp */
/* How sums become stored values where every channel shifts right by 1 or more and no sum reaches 2^30. */
typedef struct {
  const int32_t *multipliers;
  const int8_t *rights;
  int32_t zero, low, high;
} output_scale_t;

/* round(sum * multiplier * 2^(-right - 31)), in two steps as rescale_twice (halves away from zero), and clamped. */
INLINE int8_t rescale_down(output_scale_t scale, int32_t sum, int32_t channel) {
  const int32_t high = dsp_smmulr(sum * 2, scale.multipliers[channel]);
  int32_t value = dsp_ssat8(dsp_round(high - (int32_t)(high < 0), scale.rights[channel], scale.zero));
  if (scale.low > -128 || scale.high < 127) {
    value = value < scale.low ? scale.low : (value > scale.high ? scale.high : value);
  }
  return (int8_t)value;
}
