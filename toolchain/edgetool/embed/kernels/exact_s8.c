/* needs: dsp */
/* Sums and scales of channels that no other kernel computes: any shift, any bias, and 32 bits wrap around as LiteRT's do. */
#if defined(__ARM_FEATURE_MVE)
#include <arm_mve.h>
#endif

/* bias + the dot product of `count` int8 */
static int32_t exact_dot_s8(int32_t bias, const int8_t *a, const int8_t *b, int32_t count) {
  int32_t sum = 0;
#if defined(__ARM_FEATURE_MVE)
  for (int32_t i = 0; i < count; i += 16) {
    const mve_pred16_t rest = vctp8q((uint32_t)(count - i));
    sum = vmladavaq_s8(sum, vldrbq_z_s8(a + i, rest), vldrbq_z_s8(b + i, rest));
  }
#elif defined(__ARM_FEATURE_DSP)
  int32_t i = 0;
  for (; i + 4 <= count; i += 4) {
    const uint32_t x = dsp_load(a + i), y = dsp_load(b + i);
    sum = dsp_smlad(dsp_odd(x), dsp_odd(y), dsp_smlad(dsp_even(x), dsp_even(y), sum));
  }
  for (; i < count; ++i) {
    sum += (int32_t)a[i] * b[i];
  }
#else
  for (int32_t i = 0; i < count; ++i) {
    sum += (int32_t)a[i] * b[i];
  }
#endif
  return (int32_t)((uint32_t)bias + (uint32_t)sum);
}

/* A value with the zero point, clamped. */
static int8_t exact_store_s8(int64_t value, int32_t zero, int32_t low, int32_t high) {
  const int32_t moved = (int32_t)((uint32_t)value + (uint32_t)zero);
  return (int8_t)(moved < low ? low : (moved > high ? high : moved));
}

/* As rescale_twice. */
static int64_t exact_twice(int32_t x, int32_t multiplier, int shift) {
  const int left = shift > 0 ? shift : 0;
  const int right = shift > 0 ? 0 : -shift;
  const int64_t product = (int64_t)(int32_t)((uint32_t)x << left) * multiplier;
  const int64_t high = (product + ((int64_t)1 << 30)) >> 31;
  const int64_t half = right > 0 ? ((int64_t)1 << (right - 1)) - (int64_t)(high < 0) : 0;
  return (high + half) >> right;
}
