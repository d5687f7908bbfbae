/* Two products at once on cores with the DSP extension (Armv7E-M and later); the same in plain C elsewhere. */
#if defined(__ARM_FEATURE_DSP)
#include <arm_acle.h>

INLINE int32_t dsp_smlad(uint32_t a, uint32_t b, int32_t sum) { return __smlad((int16x2_t)a, (int16x2_t)b, sum); }

/* Bytes 0 and 2 as two signed halves. */
INLINE uint32_t dsp_even(uint32_t bytes) { return (uint32_t)__sxtb16((int8x4_t)bytes); }

/* Bytes 1 and 3 as two signed halves. */
INLINE uint32_t dsp_odd(uint32_t bytes) {
  uint32_t halves;
  __asm__("sxtb16 %0, %1, ror #8" : "=r"(halves) : "r"(bytes));
  return halves;
}

INLINE int32_t dsp_low(uint32_t a, uint32_t b, int32_t sum) { return __smlabb((int32_t)a, (int32_t)b, sum); }
INLINE int32_t dsp_high(uint32_t a, uint32_t b, int32_t sum) { return __smlatt((int32_t)a, (int32_t)b, sum); }

/* (a * b + 2^31) >> 32 */
INLINE int32_t dsp_smmulr(int32_t a, int32_t b) {
  int32_t high;
  __asm__("smmulr %0, %1, %2" : "=r"(high) : "r"(a), "r"(b));
  return high;
}

/* round(value * 2^-right) + add, halves up; the last bit that is shifted out is the carry. */
INLINE int32_t dsp_round(int32_t value, int32_t right, int32_t add) {
  __asm__("asrs %0, %0, %1\n\tadc %0, %0, %2" : "+r"(value) : "r"(right), "r"(add) : "cc");
  return value;
}

INLINE int32_t dsp_ssat8(int32_t value) {
  int32_t result;
  __asm__("ssat %0, #8, %1" : "=r"(result) : "r"(value));
  return result;
}
#else
INLINE int32_t dsp_half(uint32_t word, int index) {
  const int32_t half = (int32_t)((word >> (16 * index)) & 0xFFFFu);
  return half >= 32768 ? half - 65536 : half;
}

INLINE uint32_t dsp_byte(uint32_t word, int index) {
  const uint32_t byte = (word >> (8 * index)) & 0xFFu;
  return (byte & 0x80u) != 0u ? byte | 0xFF00u : byte;
}

INLINE int32_t dsp_low(uint32_t a, uint32_t b, int32_t sum) { return sum + dsp_half(a, 0) * dsp_half(b, 0); }
INLINE int32_t dsp_high(uint32_t a, uint32_t b, int32_t sum) { return sum + dsp_half(a, 1) * dsp_half(b, 1); }
INLINE int32_t dsp_smlad(uint32_t a, uint32_t b, int32_t sum) { return dsp_high(a, b, dsp_low(a, b, sum)); }
INLINE uint32_t dsp_even(uint32_t bytes) { return dsp_byte(bytes, 0) | (dsp_byte(bytes, 2) << 16); }
INLINE uint32_t dsp_odd(uint32_t bytes) { return dsp_byte(bytes, 1) | (dsp_byte(bytes, 3) << 16); }
INLINE int32_t dsp_smmulr(int32_t a, int32_t b) { return (int32_t)(((int64_t)a * b + ((int64_t)1 << 31)) >> 32); }
INLINE int32_t dsp_round(int32_t value, int32_t right, int32_t add) {
  return ((value + ((int32_t)1 << (right - 1))) >> right) + add;
}
INLINE int32_t dsp_ssat8(int32_t value) { return value < -128 ? -128 : (value > 127 ? 127 : value); }
#endif

INLINE uint32_t dsp_load(const int8_t *bytes) {
  uint32_t word;
  memcpy(&word, bytes, sizeof word);
  return word;
}

INLINE uint32_t dsp_halves(const int16_t *halves) {
  uint32_t word;
  memcpy(&word, halves, sizeof word);
  return word;
}
