/* x86-64 with AVX-512 and VNNI. */
#if defined(__AVX512VNNI__) && defined(__AVX512F__)
#include <immintrin.h>
#define SIMD_LANES 16 /* channels whose sums grow side by side */
#define SIMD_PIXELS 8 /* of a convolution, at a time: as many as there are registers for their sums */
#define SIMD_OFFSET 128 /* added to values in memory: VPDPBUSD wants them unsigned; biases take it off */
#define SIMD_EVERY 0xFFFF /* lanes: GCC's functions without a mask warn of values that are not set (PR 105593) */
typedef uint8_t simd_value_t;
typedef __m512i simd_weights_t, simd_sums_t, simd_t;

INLINE simd_weights_t simd_weights(const int8_t *weights) { return _mm512_loadu_si512(weights); }
INLINE simd_sums_t simd_none(void) { return _mm512_setzero_si512(); }
INLINE simd_sums_t simd_plus(simd_sums_t a, simd_sums_t b) { return _mm512_add_epi32(a, b); }
INLINE void simd_write(int32_t *made, simd_sums_t sums) { _mm512_storeu_si512(made, sums); }

/* Add the products of four weights of each channel with four values. */
INLINE simd_sums_t simd_dot(simd_sums_t sums, simd_weights_t weights, const simd_value_t *values) {
  int32_t four;
  memcpy(&four, values, sizeof four);
  return _mm512_dpbusd_epi32(sums, _mm512_set1_epi32(four), weights);
}

INLINE simd_t simd_all(int32_t value) { return _mm512_set1_epi32(value); }
INLINE simd_t simd_load(const int32_t *values) { return _mm512_loadu_si512(values); }
INLINE simd_t simd_add(simd_t a, simd_t b) { return _mm512_add_epi32(a, b); }
INLINE simd_t simd_left(simd_t values, int count) {
  return _mm512_maskz_sll_epi32(SIMD_EVERY, values, _mm_cvtsi32_si128(count));
}
INLINE simd_t simd_power(simd_t exponents) {
  return _mm512_maskz_sllv_epi32(SIMD_EVERY, _mm512_set1_epi32(1), exponents);
}
INLINE simd_t simd_half(simd_t values) { return _mm512_maskz_srli_epi32(SIMD_EVERY, values, 1); }
INLINE simd_t simd_above_zero(simd_t values) {
  return _mm512_maskz_set1_epi32(_mm512_cmpgt_epi32_mask(values, _mm512_setzero_si512()), -1);
}

INLINE simd_t simd_widen(const int8_t *bytes) {
  __m128i sixteen;
  memcpy(&sixteen, bytes, sizeof sixteen);
  return _mm512_maskz_cvtepi8_epi32(SIMD_EVERY, sixteen);
}

/* Add the product of a weight and a value of each channel; the upper halves of values are 0. */
INLINE simd_t simd_tap(simd_t sums, const int8_t *weights, const simd_value_t *values) {
  __m128i sixteen;
  memcpy(&sixteen, values, sizeof sixteen);
  return _mm512_dpwssd_epi32(sums, simd_widen(weights), _mm512_maskz_cvtepu8_epi32(SIMD_EVERY, sixteen));
}

INLINE __m512i simd_even(simd_t a, simd_t b) { return _mm512_maskz_mul_epi32(0xFF, a, b); }
INLINE __m512i simd_down(__m512i values, unsigned count) { return _mm512_maskz_srli_epi64(0xFF, values, count); }
INLINE __m512i simd_odd(simd_t a, simd_t b) { return simd_even(simd_down(a, 32), simd_down(b, 32)); }

/* (a * b + 2^30) >> 31 */
INLINE simd_t simd_rounded(simd_t a, simd_t b) {
  const __m512i half = _mm512_set1_epi64(1 << 30);
  const __m512i odd = _mm512_add_epi64(simd_odd(a, b), half);
  const __m512i even = _mm512_add_epi64(simd_even(a, b), half);
  return _mm512_mask_mov_epi32(simd_down(even, 31), 0xAAAA, _mm512_add_epi64(odd, odd));
}

/* (a * b) >> 32 */
INLINE simd_t simd_upper(simd_t a, simd_t b) {
  return _mm512_mask_mov_epi32(simd_down(simd_even(a, b), 32), 0xAAAA, simd_odd(a, b));
}

/* (value + half + (value < 0 ? odd : 0)) >> right */
INLINE simd_t simd_shift(simd_t value, simd_t half, simd_t odd, simd_t right) {
  const __m512i sign = _mm512_maskz_srai_epi32(SIMD_EVERY, value, 31);
  const __m512i moved = _mm512_add_epi32(half, _mm512_and_si512(sign, odd));
  return _mm512_maskz_srav_epi32(SIMD_EVERY, _mm512_add_epi32(value, moved), right);
}

INLINE void simd_pack(simd_t values, int32_t low, int32_t high, int8_t *made) {
  const __m512i least = _mm512_maskz_max_epi32(SIMD_EVERY, values, _mm512_set1_epi32(low));
  const __m512i found = _mm512_maskz_min_epi32(SIMD_EVERY, least, _mm512_set1_epi32(high));
  const __m128i bytes = _mm512_maskz_cvtepi32_epi8(SIMD_EVERY, found);
  memcpy(made, &bytes, sizeof bytes);
}
#endif
