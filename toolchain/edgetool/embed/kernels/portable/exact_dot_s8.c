/* needs: dsp */
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
