/* Weights that are indices of four bits, 32 at once on cores with Helium; the same in plain C elsewhere. */
#if defined(__ARM_FEATURE_MVE)
#include <arm_mve.h>

/* sum + the dot product of 32 values and of the weights that 16 codes stand for */
INLINE int32_t nibbles_dot(int32_t sum, const uint8_t *codes, const int8_t *values, const int8_t *input) {
  const uint8x16_t bytes = vldrbq_u8(codes);
  const int8x16x2_t given = vld2q_s8(input);
  sum = vmladavaq_s8(sum, vldrbq_gather_offset_s8(values, vandq_u8(bytes, vdupq_n_u8(15))), given.val[0]);
  return vmladavaq_s8(sum, vldrbq_gather_offset_s8(values, vshrq_n_u8(bytes, 4)), given.val[1]);
}
#else
INLINE int32_t nibbles_dot(int32_t sum, const uint8_t *codes, const int8_t *values, const int8_t *input) {
  for (int32_t i = 0; i < 16; ++i) {
    sum += values[codes[i] & 15] * input[2 * i] + values[codes[i] >> 4] * input[2 * i + 1];
  }
  return sum;
}
#endif
