/* Sixteen products at once on cores with Helium (Armv8.1-M); the same in plain C elsewhere. */
typedef struct {
  const int32_t *multipliers; /* of every channel; filled up to a multiple of four, as rights is */
  const int8_t *rights;
  int32_t zero, low, high;
} mve_scale_t;

#if defined(__ARM_FEATURE_MVE)
#include <arm_mve.h>

typedef int32x4_t mve_four_t;

/* Of two pixels. */
typedef struct {
  mve_four_t a, b;
} mve_fours_t;

/* sum + the dot product of sixteen int8 */
INLINE int32_t mve_dot(int32_t sum, const int8_t *a, const int8_t *b) {
  return vmladavaq_s8(sum, vldrbq_s8(a), vldrbq_s8(b));
}

INLINE mve_four_t mve_load(const int32_t *values) { return vldrwq_s32(values); }

/* sums + weights * values, four of each */
INLINE mve_four_t mve_multiply(mve_four_t sums, const int8_t *weights, const int8_t *values) {
  return vaddq_s32(sums, vmulq_s32(vldrbq_s32(weights), vldrbq_s32(values)));
}

/* round(values * multiplier * 2^(-right - 31)), rounded twice as by rescale_twice; right is not 0. */
INLINE mve_four_t mve_rescale(mve_four_t values, int32_t multiplier, int32_t right) {
  values = vqrdmulhq_n_s32(values, multiplier);
  return vrshlq_n_s32(vaddq_s32(values, vshrq_n_s32(values, 31)), -right);
}

/* Values less a zero point, shifted left. */
INLINE mve_four_t mve_widen(const int8_t *values, int32_t zero, int32_t left) {
  return vshlq_r_s32(vsubq_n_s32(vldrbq_s32(values), zero), left);
}

INLINE mve_four_t mve_sum(mve_four_t a, mve_four_t b) { return vaddq_s32(a, b); }

INLINE void mve_write(mve_scale_t p, mve_four_t values, int8_t *output, int32_t count) {
  values = vmaxq_s32(vaddq_n_s32(values, p.zero), vdupq_n_s32(p.low));
  values = vminq_s32(values, vdupq_n_s32(p.high));
  if (count >= 4) {
    vstrbq_s32(output, values);
  } else {
    vstrbq_p_s32(output, values, vctp32q((uint32_t)count));
  }
}

/* Four channels from `c` on, rounded twice as by rescale_twice; `count` of them are stored. */
INLINE void mve_store_twice(mve_scale_t p, mve_four_t sums, int32_t c, int8_t *output, int32_t count) {
  mve_four_t values = vqrdmulhq_s32(sums, vldrwq_s32(p.multipliers + c));
  values = vaddq_s32(values, vshrq_n_s32(values, 31));
  mve_write(p, vrshlq_s32(values, vnegq_s32(vldrbq_s32(p.rights + c))), output, count);
}

/* The same of two pixels; the second is written first. */
INLINE void mve_store_both(mve_scale_t p, mve_fours_t sums, int32_t c, int8_t *output, int8_t *second,
                           int32_t count) {
  const mve_four_t multipliers = vldrwq_s32(p.multipliers + c), lefts = vnegq_s32(vldrbq_s32(p.rights + c));
  mve_four_t a = vqrdmulhq_s32(sums.a, multipliers), b = vqrdmulhq_s32(sums.b, multipliers);
  a = vrshlq_s32(vaddq_s32(a, vshrq_n_s32(a, 31)), lefts);
  b = vrshlq_s32(vaddq_s32(b, vshrq_n_s32(b, 31)), lefts);
  a = vminq_s32(vmaxq_s32(vaddq_n_s32(a, p.zero), vdupq_n_s32(p.low)), vdupq_n_s32(p.high));
  b = vminq_s32(vmaxq_s32(vaddq_n_s32(b, p.zero), vdupq_n_s32(p.low)), vdupq_n_s32(p.high));
  if (count >= 4) {
    vstrbq_s32(second, b);
    vstrbq_s32(output, a);
  } else {
    vstrbq_p_s32(second, b, vctp32q((uint32_t)count));
    vstrbq_p_s32(output, a, vctp32q((uint32_t)count));
  }
}

/* Four outputs, rounded once; rights is what the whole shift has beyond 32. */
INLINE void mve_store_once(mve_scale_t p, mve_four_t sums, int32_t c, int8_t *output, int32_t count) {
  const mve_four_t values = vmulhq_s32(sums, vldrwq_s32(p.multipliers + c));
  mve_write(p, vrshlq_s32(values, vnegq_s32(vldrbq_s32(p.rights + c))), output, count);
}
#else
typedef struct {
  int32_t at[4];
} mve_four_t;

typedef struct {
  mve_four_t a, b;
} mve_fours_t;

INLINE int32_t mve_dot(int32_t sum, const int8_t *a, const int8_t *b) {
  for (int32_t i = 0; i < 16; ++i) {
    sum += (int32_t)a[i] * b[i];
  }
  return sum;
}

INLINE mve_four_t mve_load(const int32_t *values) {
  const mve_four_t found = {{values[0], values[1], values[2], values[3]}};
  return found;
}

INLINE mve_four_t mve_multiply(mve_four_t sums, const int8_t *weights, const int8_t *values) {
  for (int32_t i = 0; i < 4; ++i) {
    sums.at[i] += (int32_t)weights[i] * values[i];
  }
  return sums;
}

INLINE int32_t mve_round(int32_t value, int32_t right) {
  return right > 0 ? (value + ((int32_t)1 << (right - 1))) >> right : value;
}

INLINE int32_t mve_high(int32_t a, int32_t b) {
  return (int32_t)(((int64_t)a * b + ((int64_t)1 << 30)) >> 31);
}

INLINE mve_four_t mve_rescale(mve_four_t values, int32_t multiplier, int32_t right) {
  for (int32_t i = 0; i < 4; ++i) {
    const int32_t high = mve_high(values.at[i], multiplier);
    values.at[i] = mve_round(high - (int32_t)(high < 0), right);
  }
  return values;
}

INLINE mve_four_t mve_widen(const int8_t *values, int32_t zero, int32_t left) {
  mve_four_t found;
  for (int32_t i = 0; i < 4; ++i) {
    found.at[i] = (values[i] - zero) * ((int32_t)1 << left);
  }
  return found;
}

INLINE mve_four_t mve_sum(mve_four_t a, mve_four_t b) {
  for (int32_t i = 0; i < 4; ++i) {
    a.at[i] += b.at[i];
  }
  return a;
}

INLINE void mve_write(mve_scale_t p, mve_four_t values, int8_t *output, int32_t count) {
  for (int32_t i = 0; i < count && i < 4; ++i) {
    const int32_t value = values.at[i] + p.zero;
    output[i] = (int8_t)(value < p.low ? p.low : (value > p.high ? p.high : value));
  }
}

INLINE void mve_store_twice(mve_scale_t p, mve_four_t sums, int32_t c, int8_t *output, int32_t count) {
  for (int32_t i = 0; i < count && i < 4; ++i) {
    const int32_t high = mve_high(sums.at[i], p.multipliers[c + i]);
    sums.at[i] = mve_round(high - (int32_t)(high < 0), p.rights[c + i]);
  }
  mve_write(p, sums, output, count);
}

INLINE void mve_store_both(mve_scale_t p, mve_fours_t sums, int32_t c, int8_t *output, int8_t *second,
                           int32_t count) {
  mve_store_twice(p, sums.b, c, second, count);
  mve_store_twice(p, sums.a, c, output, count);
}

INLINE void mve_store_once(mve_scale_t p, mve_four_t sums, int32_t c, int8_t *output, int32_t count) {
  for (int32_t i = 0; i < count && i < 4; ++i) {
    sums.at[i] = mve_round((int32_t)(((int64_t)sums.at[i] * p.multipliers[c + i]) >> 32), p.rights[c + i]);
  }
  mve_write(p, sums, output, count);
}
#endif
