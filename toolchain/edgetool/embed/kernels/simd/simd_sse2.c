/* Any x86-64: SSE2 has no signed products of 64 bits and no shifts that differ by lane; they are put together here. */
#if !defined(SIMD_LANES) && defined(__SSE2__)
#include <emmintrin.h>
#define SIMD_LANES 4
#define SIMD_PIXELS 4
#define SIMD_OFFSET 0
typedef int16_t simd_value_t;
typedef struct {
  __m128i low, high;
} simd_weights_t, simd_sums_t; /* two channels, and two more; sums in two parts each */
typedef struct {
  __m128i four[4];
} simd_t;

INLINE simd_weights_t simd_weights(const int8_t *weights) {
  __m128i bytes;
  memcpy(&bytes, weights, sizeof bytes);
  const simd_weights_t made = {_mm_srai_epi16(_mm_unpacklo_epi8(bytes, bytes), 8),
                               _mm_srai_epi16(_mm_unpackhi_epi8(bytes, bytes), 8)};
  return made;
}
INLINE simd_sums_t simd_none(void) {
  const simd_sums_t made = {_mm_setzero_si128(), _mm_setzero_si128()};
  return made;
}
INLINE simd_sums_t simd_plus(simd_sums_t a, simd_sums_t b) {
  const simd_sums_t made = {_mm_add_epi32(a.low, b.low), _mm_add_epi32(a.high, b.high)};
  return made;
}
INLINE void simd_write(int32_t *made, simd_sums_t sums) {
  const __m128 a = _mm_castsi128_ps(sums.low), b = _mm_castsi128_ps(sums.high);
  const __m128i even = _mm_castps_si128(_mm_shuffle_ps(a, b, 0x88));
  const __m128i four = _mm_add_epi32(even, _mm_castps_si128(_mm_shuffle_ps(a, b, 0xDD)));
  memcpy(made, &four, sizeof four);
}
INLINE simd_sums_t simd_dot(simd_sums_t sums, simd_weights_t weights, const simd_value_t *values) {
  int64_t four;
  memcpy(&four, values, sizeof four);
  const __m128i x = _mm_set1_epi64x(four);
  const simd_sums_t products = {_mm_madd_epi16(weights.low, x), _mm_madd_epi16(weights.high, x)};
  return simd_plus(sums, products);
}

INLINE simd_t simd_fours(__m128i a, __m128i b, __m128i c, __m128i d) {
  const simd_t made = {{a, b, c, d}};
  return made;
}
INLINE simd_t simd_all(int32_t value) {
  const __m128i four = _mm_set1_epi32(value);
  return simd_fours(four, four, four, four);
}
INLINE simd_t simd_load(const int32_t *values) {
  simd_t made;
  memcpy(&made, values, sizeof made);
  return made;
}
INLINE simd_t simd_add(simd_t a, simd_t b) {
  return simd_fours(_mm_add_epi32(a.four[0], b.four[0]), _mm_add_epi32(a.four[1], b.four[1]),
                    _mm_add_epi32(a.four[2], b.four[2]), _mm_add_epi32(a.four[3], b.four[3]));
}
INLINE simd_t simd_left(simd_t v, int count) {
  return simd_fours(_mm_slli_epi32(v.four[0], count), _mm_slli_epi32(v.four[1], count),
                    _mm_slli_epi32(v.four[2], count), _mm_slli_epi32(v.four[3], count));
}

/* 2^exponent by way of a float, and 2^31 without: a compiler that folds its conversion may make 2^31 - 1 of it. */
INLINE __m128i simd_power_four(__m128i exponents) {
  const __m128i is_top = _mm_cmpgt_epi32(exponents, _mm_set1_epi32(30));
  const __m128 power = _mm_castsi128_ps(_mm_slli_epi32(_mm_add_epi32(exponents, _mm_set1_epi32(127)), 23));
  return _mm_or_si128(_mm_andnot_si128(is_top, _mm_cvttps_epi32(power)), _mm_slli_epi32(is_top, 31));
}
INLINE simd_t simd_power(simd_t v) {
  return simd_fours(simd_power_four(v.four[0]), simd_power_four(v.four[1]), simd_power_four(v.four[2]),
                    simd_power_four(v.four[3]));
}
INLINE simd_t simd_half(simd_t v) {
  return simd_fours(_mm_srli_epi32(v.four[0], 1), _mm_srli_epi32(v.four[1], 1), _mm_srli_epi32(v.four[2], 1),
                    _mm_srli_epi32(v.four[3], 1));
}
INLINE simd_t simd_above_zero(simd_t v) {
  const __m128i zero = _mm_setzero_si128();
  return simd_fours(_mm_cmpgt_epi32(v.four[0], zero), _mm_cmpgt_epi32(v.four[1], zero),
                    _mm_cmpgt_epi32(v.four[2], zero), _mm_cmpgt_epi32(v.four[3], zero));
}
INLINE simd_t simd_widen(const int8_t *bytes) {
  const simd_weights_t halves = simd_weights(bytes);
  return simd_fours(_mm_srai_epi32(_mm_unpacklo_epi16(halves.low, halves.low), 16),
                    _mm_srai_epi32(_mm_unpackhi_epi16(halves.low, halves.low), 16),
                    _mm_srai_epi32(_mm_unpacklo_epi16(halves.high, halves.high), 16),
                    _mm_srai_epi32(_mm_unpackhi_epi16(halves.high, halves.high), 16));
}
INLINE simd_t simd_tap(simd_t sums, const int8_t *weights, const simd_value_t *values) {
  const simd_weights_t w = simd_weights(weights);
  __m128i x[2];
  memcpy(x, values, sizeof x);
  const __m128i low_0 = _mm_mullo_epi16(w.low, x[0]), high_0 = _mm_mulhi_epi16(w.low, x[0]);
  const __m128i low_1 = _mm_mullo_epi16(w.high, x[1]), high_1 = _mm_mulhi_epi16(w.high, x[1]);
  return simd_add(sums, simd_fours(_mm_unpacklo_epi16(low_0, high_0), _mm_unpackhi_epi16(low_0, high_0),
                                   _mm_unpacklo_epi16(low_1, high_1), _mm_unpackhi_epi16(low_1, high_1)));
}

/* (a * b + half) >> 31 of signed a and unsigned b, the lower 32 bits. */
INLINE __m128i simd_product(__m128i a, __m128i b, __m128i half) {
  const __m128i below = _mm_and_si128(_mm_srai_epi32(a, 31), b); /* a below 0 stands for a + 2^32 */
  const __m128i is_even = _mm_set1_epi64x(0xFFFFFFFF);
  const __m128i even = _mm_sub_epi64(_mm_add_epi64(_mm_mul_epu32(a, b), half), _mm_slli_epi64(below, 32));
  const __m128i odd = _mm_sub_epi64(_mm_add_epi64(_mm_mul_epu32(_mm_srli_epi64(a, 32), _mm_srli_epi64(b, 32)), half),
                                    _mm_andnot_si128(is_even, below));
  return _mm_or_si128(_mm_and_si128(is_even, _mm_srli_epi64(even, 31)),
                      _mm_andnot_si128(is_even, _mm_slli_epi64(odd, 1)));
}
INLINE simd_t simd_rounded(simd_t a, simd_t b) {
  const __m128i half = _mm_set1_epi64x(1 << 30);
  return simd_fours(simd_product(a.four[0], b.four[0], half), simd_product(a.four[1], b.four[1], half),
                    simd_product(a.four[2], b.four[2], half), simd_product(a.four[3], b.four[3], half));
}
INLINE __m128i simd_upper_four(__m128i a, __m128i b) {
  return _mm_srai_epi32(simd_product(a, b, _mm_setzero_si128()), 1);
}
INLINE simd_t simd_upper(simd_t a, simd_t b) {
  return simd_fours(simd_upper_four(a.four[0], b.four[0]), simd_upper_four(a.four[1], b.four[1]),
                    simd_upper_four(a.four[2], b.four[2]), simd_upper_four(a.four[3], b.four[3]));
}
INLINE __m128i simd_shift_four(__m128i value, __m128i half, __m128i odd, __m128i right) {
  const __m128i moved = _mm_add_epi32(half, _mm_and_si128(_mm_srai_epi32(value, 31), odd));
  const __m128i factor = simd_power_four(_mm_sub_epi32(_mm_set1_epi32(31), right));
  return simd_product(_mm_add_epi32(value, moved), factor, _mm_setzero_si128());
}
INLINE simd_t simd_shift(simd_t value, simd_t half, simd_t odd, simd_t right) {
  return simd_fours(simd_shift_four(value.four[0], half.four[0], odd.four[0], right.four[0]),
                    simd_shift_four(value.four[1], half.four[1], odd.four[1], right.four[1]),
                    simd_shift_four(value.four[2], half.four[2], odd.four[2], right.four[2]),
                    simd_shift_four(value.four[3], half.four[3], odd.four[3], right.four[3]));
}
INLINE __m128i simd_clamp_eight(__m128i halves, int32_t low, int32_t high) {
  return _mm_min_epi16(_mm_max_epi16(halves, _mm_set1_epi16((int16_t)low)), _mm_set1_epi16((int16_t)high));
}
INLINE void simd_pack(simd_t values, int32_t low, int32_t high, int8_t *made) {
  const __m128i first = simd_clamp_eight(_mm_packs_epi32(values.four[0], values.four[1]), low, high);
  const __m128i second = simd_clamp_eight(_mm_packs_epi32(values.four[2], values.four[3]), low, high);
  const __m128i bytes = _mm_packs_epi16(first, second);
  memcpy(made, &bytes, sizeof bytes);
}
#endif
