/* Weights that are indices of four to six bits into a palette, 32 at once on cores with Helium; the same in plain C
   elsewhere. 16 bytes hold the lowest four bits of each, the first of two in the low half; then four bytes for every
   further bit, 16 bits of the first, third, ... index, and 16 of the others. */
#if defined(__ARM_FEATURE_MVE)
#include <arm_mve.h>

/* sum + the dot product of 32 values and of the weights that `codes` stand for */
INLINE int32_t planes_dot(int32_t sum, const uint8_t *codes, int32_t bits, const int8_t *values, const int8_t *input) {
  const uint8x16_t bytes = vldrbq_u8(codes);
  uint8x16_t even = vandq_u8(bytes, vdupq_n_u8(15)), odd = vshrq_n_u8(bytes, 4);
  if (bits > 4) {
    const uint32_t word = packed_word(codes + 16);
    even = vorrq_m_u8(even, even, vdupq_n_u8(16), (mve_pred16_t)(word & 0xFFFFu));
    odd = vorrq_m_u8(odd, odd, vdupq_n_u8(16), (mve_pred16_t)(word >> 16));
  }
  if (bits > 5) {
    const uint32_t word = packed_word(codes + 20);
    even = vorrq_m_u8(even, even, vdupq_n_u8(32), (mve_pred16_t)(word & 0xFFFFu));
    odd = vorrq_m_u8(odd, odd, vdupq_n_u8(32), (mve_pred16_t)(word >> 16));
  }
  const int8x16x2_t given = vld2q_s8(input);
  sum = vmladavaq_s8(sum, vldrbq_gather_offset_s8(values, even), given.val[0]);
  return vmladavaq_s8(sum, vldrbq_gather_offset_s8(values, odd), given.val[1]);
}
#else
INLINE int32_t planes_dot(int32_t sum, const uint8_t *codes, int32_t bits, const int8_t *values, const int8_t *input) {
  for (int32_t i = 0; i < 32; ++i) {
    int32_t index = codes[i / 2] >> (i % 2 * 4) & 15;
    for (int32_t bit = 4; bit < bits; ++bit) {
      index |= (int32_t)(packed_word(codes + 4 * bit) >> (i % 2 * 16 + i / 2) & 1u) << bit;
    }
    sum += values[index] * input[i];
  }
  return sum;
}
#endif
