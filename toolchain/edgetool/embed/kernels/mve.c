/* Sixteen products at once on cores with Helium (Armv8.1-M); the same in plain C elsewhere. */
typedef struct {
  const int32_t *multipliers; /* of every channel; filled up to a multiple of four, as rights is */
  const int8_t *rights;
  int32_t zero, low, high;
} mve_scale_t;

#if defined(__ARM_FEATURE_MVE)
#include <arm_mve.h>

/* sum + the dot product of sixteen int8 */
static inline int32_t mve_dot(int32_t sum, const int8_t *a, const int8_t *b) {
  return vmladavaq_s8(sum, vldrbq_s8(a), vldrbq_s8(b));
}

static inline void mve_write(mve_scale_t p, int32x4_t values, int8_t *output, int32_t count) {
  values = vmaxq_s32(vaddq_n_s32(values, p.zero), vdupq_n_s32(p.low));
  vstrbq_p_s32(output, vminq_s32(values, vdupq_n_s32(p.high)), vctp32q((uint32_t)count));
}

/* Four channels from `c` on, rounded twice as by rescale_twice; `count` of them are stored. */
static inline void mve_store_twice(mve_scale_t p, const int32_t *sums, int32_t c, int8_t *output, int32_t count) {
  int32x4_t values = vqrdmulhq_s32(vldrwq_s32(sums), vldrwq_s32(p.multipliers + c));
  values = vaddq_s32(values, vshrq_n_s32(values, 31));
  mve_write(p, vrshlq_s32(values, vnegq_s32(vldrbq_s32(p.rights + c))), output, count);
}

/* Four outputs, rounded once; rights is what the whole shift has beyond 32. */
static inline void mve_store_once(mve_scale_t p, const int32_t *sums, int32_t c, int8_t *output, int32_t count) {
  const int32x4_t values = vmulhq_s32(vldrwq_s32(sums), vldrwq_s32(p.multipliers + c));
  mve_write(p, vrshlq_s32(values, vnegq_s32(vldrbq_s32(p.rights + c))), output, count);
}

/* sums[i] += weights[i] * values[i], four of them */
static inline void mve_multiply(int32_t *sums, const int8_t *weights, const int8_t *values) {
  vstrwq_s32(sums, vaddq_s32(vldrwq_s32(sums), vmulq_s32(vldrbq_s32(weights), vldrbq_s32(values))));
}
#else
static inline int32_t mve_dot(int32_t sum, const int8_t *a, const int8_t *b) {
  for (int32_t i = 0; i < 16; ++i) {
    sum += (int32_t)a[i] * b[i];
  }
  return sum;
}

static inline int8_t mve_clamp(mve_scale_t p, int32_t value) {
  value += p.zero;
  return (int8_t)(value < p.low ? p.low : (value > p.high ? p.high : value));
}

static inline int32_t mve_round(int32_t value, int32_t right) { return (value + ((int32_t)1 << (right - 1))) >> right; }

static inline void mve_store_twice(mve_scale_t p, const int32_t *sums, int32_t c, int8_t *output, int32_t count) {
  for (int32_t i = 0; i < count; ++i) {
    const int32_t high = (int32_t)(((int64_t)sums[i] * p.multipliers[c + i] + ((int64_t)1 << 30)) >> 31);
    output[i] = mve_clamp(p, mve_round(high + (high >> 31), p.rights[c + i]));
  }
}

static inline void mve_store_once(mve_scale_t p, const int32_t *sums, int32_t c, int8_t *output, int32_t count) {
  for (int32_t i = 0; i < count; ++i) {
    const int32_t high = (int32_t)(((int64_t)sums[i] * p.multipliers[c + i]) >> 32);
    output[i] = mve_clamp(p, mve_round(high, p.rights[c + i]));
  }
}

static inline void mve_multiply(int32_t *sums, const int8_t *weights, const int8_t *values) {
  for (int32_t i = 0; i < 4; ++i) {
    sums[i] += (int32_t)weights[i] * values[i];
  }
}
#endif
