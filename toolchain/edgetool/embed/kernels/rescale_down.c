/* needs: clamp_s8 */
/* How sums become stored values where every channel shifts right by 1 or more. */
typedef struct {
  const int32_t *multipliers;
  const int8_t *rights;
  int32_t zero, low, high;
} output_scale_t;

/* round(sum * multiplier * 2^(-right - 31)), in two steps as rescale_twice, and clamped. */
static inline int8_t rescale_down(output_scale_t scale, int32_t sum, int32_t channel) {
  const int32_t right = scale.rights[channel];
  const int32_t high = (int32_t)(((int64_t)sum * scale.multipliers[channel] + ((int64_t)1 << 30)) >> 31);
  const int32_t rounded = (high + (int32_t)(1u << (right - 1)) + (high >> 31)) >> right;
  return clamp_s8(rounded + scale.zero, scale.low, scale.high);
}
