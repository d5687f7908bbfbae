/* x86-64 with AVX2, with VNNI or without. */
#if !defined(SIMD_LANES) && defined(__AVX2__)
#include <immintrin.h>
#define SIMD_LANES 8
typedef struct {
  __m256i low, high;
} simd_t;

INLINE simd_t simd_pair(__m256i low, __m256i high) {
  const simd_t made = {low, high};
  return made;
}
INLINE simd_t simd_add(simd_t a, simd_t b) {
  return simd_pair(_mm256_add_epi32(a.low, b.low), _mm256_add_epi32(a.high, b.high));
}
#if defined(__AVXVNNI__)
#define SIMD_PIXELS 8
#define SIMD_OFFSET 128
typedef uint8_t simd_value_t;
typedef __m256i simd_weights_t, simd_sums_t;

INLINE simd_weights_t simd_weights(const int8_t *weights) {
  __m256i bytes;
  memcpy(&bytes, weights, sizeof bytes);
  return bytes;
}
INLINE simd_sums_t simd_none(void) { return _mm256_setzero_si256(); }
INLINE simd_sums_t simd_plus(simd_sums_t a, simd_sums_t b) { return _mm256_add_epi32(a, b); }
INLINE void simd_write(int32_t *made, simd_sums_t sums) { memcpy(made, &sums, sizeof sums); }
INLINE simd_sums_t simd_dot(simd_sums_t sums, simd_weights_t weights, const simd_value_t *values) {
  int32_t four;
  memcpy(&four, values, sizeof four);
  return _mm256_dpbusd_avx_epi32(sums, _mm256_set1_epi32(four), weights);
}
INLINE __m256i simd_values(const simd_value_t *values) {
  int64_t eight;
  memcpy(&eight, values, sizeof eight);
  return _mm256_cvtepu8_epi32(_mm_cvtsi64_si128(eight));
}
#else
#define SIMD_PIXELS 4
#define SIMD_OFFSET 0
typedef int16_t simd_value_t;
typedef simd_t simd_weights_t, simd_sums_t; /* four channels, and four more; sums in two parts each */

INLINE __m256i simd_sixteen(const int8_t *weights) {
  __m128i bytes;
  memcpy(&bytes, weights, sizeof bytes);
  return _mm256_cvtepi8_epi16(bytes);
}
INLINE simd_weights_t simd_weights(const int8_t *weights) {
  return simd_pair(simd_sixteen(weights), simd_sixteen(weights + 16));
}
INLINE simd_sums_t simd_none(void) { return simd_pair(_mm256_setzero_si256(), _mm256_setzero_si256()); }
INLINE simd_sums_t simd_plus(simd_sums_t a, simd_sums_t b) { return simd_add(a, b); }
INLINE void simd_write(int32_t *made, simd_sums_t sums) {
  const __m256i eight = _mm256_permute4x64_epi64(_mm256_hadd_epi32(sums.low, sums.high), 0xD8);
  memcpy(made, &eight, sizeof eight);
}
INLINE simd_sums_t simd_dot(simd_sums_t sums, simd_weights_t weights, const simd_value_t *values) {
  int64_t four;
  memcpy(&four, values, sizeof four);
  const __m256i x = _mm256_set1_epi64x(four);
  return simd_add(sums, simd_pair(_mm256_madd_epi16(weights.low, x), _mm256_madd_epi16(weights.high, x)));
}
INLINE __m256i simd_values(const simd_value_t *values) {
  __m128i eight;
  memcpy(&eight, values, sizeof eight);
  return _mm256_cvtepu16_epi32(eight);
}
#endif

INLINE simd_t simd_all(int32_t value) { return simd_pair(_mm256_set1_epi32(value), _mm256_set1_epi32(value)); }
INLINE simd_t simd_load(const int32_t *values) {
  simd_t made;
  memcpy(&made, values, sizeof made);
  return made;
}
INLINE simd_t simd_left(simd_t values, int count) {
  return simd_pair(_mm256_slli_epi32(values.low, count), _mm256_slli_epi32(values.high, count));
}
INLINE simd_t simd_power(simd_t exponents) {
  const __m256i one = _mm256_set1_epi32(1);
  return simd_pair(_mm256_sllv_epi32(one, exponents.low), _mm256_sllv_epi32(one, exponents.high));
}
INLINE simd_t simd_half(simd_t values) {
  return simd_pair(_mm256_srli_epi32(values.low, 1), _mm256_srli_epi32(values.high, 1));
}
INLINE simd_t simd_above_zero(simd_t values) {
  const __m256i zero = _mm256_setzero_si256();
  return simd_pair(_mm256_cmpgt_epi32(values.low, zero), _mm256_cmpgt_epi32(values.high, zero));
}
INLINE __m256i simd_eight(const int8_t *bytes) {
  int64_t eight;
  memcpy(&eight, bytes, sizeof eight);
  return _mm256_cvtepi8_epi32(_mm_cvtsi64_si128(eight));
}
INLINE simd_t simd_widen(const int8_t *bytes) { return simd_pair(simd_eight(bytes), simd_eight(bytes + 8)); }

/* Upper halves of values are 0, and so are what they are multiplied to. */
INLINE simd_t simd_tap(simd_t sums, const int8_t *weights, const simd_value_t *values) {
  const simd_t w = simd_widen(weights);
  return simd_add(sums, simd_pair(_mm256_madd_epi16(w.low, simd_values(values)),
                                  _mm256_madd_epi16(w.high, simd_values(values + 8))));
}

INLINE __m256i simd_rounded_eight(__m256i a, __m256i b) {
  const __m256i half = _mm256_set1_epi64x(1 << 30);
  const __m256i even = _mm256_add_epi64(_mm256_mul_epi32(a, b), half);
  const __m256i odd = _mm256_add_epi64(_mm256_mul_epi32(_mm256_srli_epi64(a, 32), _mm256_srli_epi64(b, 32)), half);
  return _mm256_blend_epi32(_mm256_srli_epi64(even, 31), _mm256_slli_epi64(odd, 1), 0xAA);
}
INLINE simd_t simd_rounded(simd_t a, simd_t b) {
  return simd_pair(simd_rounded_eight(a.low, b.low), simd_rounded_eight(a.high, b.high));
}
INLINE __m256i simd_upper_eight(__m256i a, __m256i b) {
  const __m256i odd = _mm256_mul_epi32(_mm256_srli_epi64(a, 32), _mm256_srli_epi64(b, 32));
  return _mm256_blend_epi32(_mm256_srli_epi64(_mm256_mul_epi32(a, b), 32), odd, 0xAA);
}
INLINE simd_t simd_upper(simd_t a, simd_t b) {
  return simd_pair(simd_upper_eight(a.low, b.low), simd_upper_eight(a.high, b.high));
}
INLINE __m256i simd_shift_eight(__m256i value, __m256i half, __m256i odd, __m256i right) {
  const __m256i moved = _mm256_add_epi32(half, _mm256_and_si256(_mm256_srai_epi32(value, 31), odd));
  return _mm256_srav_epi32(_mm256_add_epi32(value, moved), right);
}
INLINE simd_t simd_shift(simd_t value, simd_t half, simd_t odd, simd_t right) {
  return simd_pair(simd_shift_eight(value.low, half.low, odd.low, right.low),
                   simd_shift_eight(value.high, half.high, odd.high, right.high));
}
INLINE void simd_pack(simd_t values, int32_t low, int32_t high, int8_t *made) {
  const __m256i mixed = _mm256_packs_epi32(values.low, values.high);
  const __m256i halves = _mm256_permute4x64_epi64(mixed, 0xD8);
  const __m256i least = _mm256_max_epi16(halves, _mm256_set1_epi16((int16_t)low));
  const __m256i found = _mm256_min_epi16(least, _mm256_set1_epi16((int16_t)high));
  const __m128i bytes = _mm_packs_epi16(_mm256_castsi256_si128(found), _mm256_extracti128_si256(found, 1));
  memcpy(made, &bytes, sizeof bytes);
}
#endif
