/* AArch64, with the instructions for dot products or without. */
#if !defined(SIMD_LANES) && defined(__aarch64__) && defined(__ARM_NEON)
#include <arm_neon.h>
#define SIMD_LANES 8
#define SIMD_PIXELS 4
#define SIMD_OFFSET 0
typedef int8_t simd_value_t;
typedef int8x16x2_t simd_weights_t; /* four channels each */
typedef int32x4x4_t simd_t;

INLINE simd_t simd_fours(int32x4_t a, int32x4_t b, int32x4_t c, int32x4_t d) {
  const simd_t made = {{a, b, c, d}};
  return made;
}
INLINE simd_t simd_all(int32_t value) {
  const int32x4_t four = vdupq_n_s32(value);
  return simd_fours(four, four, four, four);
}
INLINE simd_t simd_add(simd_t a, simd_t b) {
  return simd_fours(vaddq_s32(a.val[0], b.val[0]), vaddq_s32(a.val[1], b.val[1]), vaddq_s32(a.val[2], b.val[2]),
                    vaddq_s32(a.val[3], b.val[3]));
}
INLINE simd_weights_t simd_weights(const int8_t *weights) {
  const simd_weights_t made = {{vld1q_s8(weights), vld1q_s8(weights + 16)}};
  return made;
}
INLINE int8x16_t simd_four(const simd_value_t *values) {
  int32_t four;
  memcpy(&four, values, sizeof four);
  return vreinterpretq_s8_s32(vdupq_n_s32(four));
}
#if defined(__ARM_FEATURE_DOTPROD)
typedef int32x4x2_t simd_sums_t;

INLINE simd_sums_t simd_two(int32x4_t low, int32x4_t high) {
  const simd_sums_t made = {{low, high}};
  return made;
}
INLINE simd_sums_t simd_none(void) { return simd_two(vdupq_n_s32(0), vdupq_n_s32(0)); }
INLINE simd_sums_t simd_plus(simd_sums_t a, simd_sums_t b) {
  return simd_two(vaddq_s32(a.val[0], b.val[0]), vaddq_s32(a.val[1], b.val[1]));
}
INLINE simd_sums_t simd_dot(simd_sums_t sums, simd_weights_t weights, const simd_value_t *values) {
  const int8x16_t x = simd_four(values);
  return simd_two(vdotq_s32(sums.val[0], weights.val[0], x), vdotq_s32(sums.val[1], weights.val[1], x));
}
INLINE void simd_write(int32_t *made, simd_sums_t sums) {
  vst1q_s32(made, sums.val[0]);
  vst1q_s32(made + 4, sums.val[1]);
}
#else
typedef simd_t simd_sums_t; /* two channels each, in two parts */

INLINE simd_sums_t simd_none(void) { return simd_all(0); }
INLINE simd_sums_t simd_plus(simd_sums_t a, simd_sums_t b) { return simd_add(a, b); }
INLINE simd_sums_t simd_dot(simd_sums_t sums, simd_weights_t weights, const simd_value_t *values) {
  const int8x16_t x = simd_four(values), low = weights.val[0], high = weights.val[1];
  return simd_fours(vpadalq_s16(sums.val[0], vmull_s8(vget_low_s8(low), vget_low_s8(x))),
                    vpadalq_s16(sums.val[1], vmull_high_s8(low, x)),
                    vpadalq_s16(sums.val[2], vmull_s8(vget_low_s8(high), vget_low_s8(x))),
                    vpadalq_s16(sums.val[3], vmull_high_s8(high, x)));
}
INLINE void simd_write(int32_t *made, simd_sums_t sums) {
  vst1q_s32(made, vpaddq_s32(sums.val[0], sums.val[1]));
  vst1q_s32(made + 4, vpaddq_s32(sums.val[2], sums.val[3]));
}
#endif

INLINE simd_t simd_load(const int32_t *values) {
  return simd_fours(vld1q_s32(values), vld1q_s32(values + 4), vld1q_s32(values + 8), vld1q_s32(values + 12));
}
INLINE simd_t simd_left(simd_t v, int count) {
  const int32x4_t by = vdupq_n_s32(count);
  return simd_fours(vshlq_s32(v.val[0], by), vshlq_s32(v.val[1], by), vshlq_s32(v.val[2], by),
                    vshlq_s32(v.val[3], by));
}
INLINE simd_t simd_power(simd_t v) {
  const int32x4_t one = vdupq_n_s32(1);
  return simd_fours(vshlq_s32(one, v.val[0]), vshlq_s32(one, v.val[1]), vshlq_s32(one, v.val[2]),
                    vshlq_s32(one, v.val[3]));
}
INLINE int32x4_t simd_half_four(int32x4_t v) {
  return vreinterpretq_s32_u32(vshrq_n_u32(vreinterpretq_u32_s32(v), 1));
}
INLINE simd_t simd_half(simd_t v) {
  return simd_fours(simd_half_four(v.val[0]), simd_half_four(v.val[1]), simd_half_four(v.val[2]),
                    simd_half_four(v.val[3]));
}
INLINE int32x4_t simd_above_four(int32x4_t v) { return vreinterpretq_s32_u32(vcgtzq_s32(v)); }
INLINE simd_t simd_above_zero(simd_t v) {
  return simd_fours(simd_above_four(v.val[0]), simd_above_four(v.val[1]), simd_above_four(v.val[2]),
                    simd_above_four(v.val[3]));
}
INLINE simd_t simd_widen(const int8_t *bytes) {
  const int8x16_t sixteen = vld1q_s8(bytes);
  const int16x8_t low = vmovl_s8(vget_low_s8(sixteen)), high = vmovl_high_s8(sixteen);
  return simd_fours(vmovl_s16(vget_low_s16(low)), vmovl_high_s16(low), vmovl_s16(vget_low_s16(high)),
                    vmovl_high_s16(high));
}
INLINE simd_t simd_tap(simd_t sums, const int8_t *weights, const simd_value_t *values) {
  const int8x16_t w = vld1q_s8(weights), x = vld1q_s8(values);
  const int16x8_t low = vmull_s8(vget_low_s8(w), vget_low_s8(x)), high = vmull_high_s8(w, x);
  return simd_fours(vaddw_s16(sums.val[0], vget_low_s16(low)), vaddw_high_s16(sums.val[1], low),
                    vaddw_s16(sums.val[2], vget_low_s16(high)), vaddw_high_s16(sums.val[3], high));
}
INLINE simd_t simd_rounded(simd_t a, simd_t b) {
  return simd_fours(vqrdmulhq_s32(a.val[0], b.val[0]), vqrdmulhq_s32(a.val[1], b.val[1]),
                    vqrdmulhq_s32(a.val[2], b.val[2]), vqrdmulhq_s32(a.val[3], b.val[3]));
}
INLINE int32x4_t simd_upper_four(int32x4_t a, int32x4_t b) {
  const int32x4_t low = vreinterpretq_s32_s64(vmull_s32(vget_low_s32(a), vget_low_s32(b)));
  return vuzp2q_s32(low, vreinterpretq_s32_s64(vmull_high_s32(a, b)));
}
INLINE simd_t simd_upper(simd_t a, simd_t b) {
  return simd_fours(simd_upper_four(a.val[0], b.val[0]), simd_upper_four(a.val[1], b.val[1]),
                    simd_upper_four(a.val[2], b.val[2]), simd_upper_four(a.val[3], b.val[3]));
}
INLINE int32x4_t simd_shift_four(int32x4_t value, int32x4_t half, int32x4_t odd, int32x4_t right) {
  const int32x4_t moved = vaddq_s32(half, vandq_s32(vshrq_n_s32(value, 31), odd));
  return vshlq_s32(vaddq_s32(value, moved), vnegq_s32(right));
}
INLINE simd_t simd_shift(simd_t value, simd_t half, simd_t odd, simd_t right) {
  return simd_fours(simd_shift_four(value.val[0], half.val[0], odd.val[0], right.val[0]),
                    simd_shift_four(value.val[1], half.val[1], odd.val[1], right.val[1]),
                    simd_shift_four(value.val[2], half.val[2], odd.val[2], right.val[2]),
                    simd_shift_four(value.val[3], half.val[3], odd.val[3], right.val[3]));
}
INLINE void simd_pack(simd_t values, int32_t low, int32_t high, int8_t *made) {
  const int16x8_t first = vqmovn_high_s32(vqmovn_s32(values.val[0]), values.val[1]);
  const int16x8_t second = vqmovn_high_s32(vqmovn_s32(values.val[2]), values.val[3]);
  const int8x16_t bytes = vqmovn_high_s16(vqmovn_s16(first), second);
  vst1q_s8(made, vminq_s8(vmaxq_s8(bytes, vdupq_n_s8((int8_t)low)), vdupq_n_s8((int8_t)high)));
}
#endif
