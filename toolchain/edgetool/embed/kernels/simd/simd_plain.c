/* Any other processor. */
#if !defined(SIMD_LANES)
#define SIMD_LANES 4
#define SIMD_PIXELS 4
#define SIMD_OFFSET 0
typedef int8_t simd_value_t;
typedef const int8_t *simd_weights_t;
typedef struct {
  int32_t s0, s1, s2, s3;
} simd_sums_t;
typedef struct {
  int32_t lanes[16];
} simd_t;

INLINE simd_weights_t simd_weights(const int8_t *weights) { return weights; }
INLINE simd_sums_t simd_none(void) {
  const simd_sums_t made = {0, 0, 0, 0};
  return made;
}
INLINE simd_sums_t simd_plus(simd_sums_t a, simd_sums_t b) {
  const simd_sums_t made = {a.s0 + b.s0, a.s1 + b.s1, a.s2 + b.s2, a.s3 + b.s3};
  return made;
}
INLINE int32_t simd_four(const int8_t *w, const simd_value_t *x) {
  return w[0] * x[0] + w[1] * x[1] + w[2] * x[2] + w[3] * x[3];
}
INLINE simd_sums_t simd_dot(simd_sums_t sums, simd_weights_t weights, const simd_value_t *values) {
  const simd_sums_t products = {simd_four(weights, values), simd_four(weights + 4, values),
                                simd_four(weights + 8, values), simd_four(weights + 12, values)};
  return simd_plus(sums, products);
}
INLINE void simd_write(int32_t *made, simd_sums_t sums) {
  made[0] = sums.s0;
  made[1] = sums.s1;
  made[2] = sums.s2;
  made[3] = sums.s3;
}

INLINE simd_t simd_all(int32_t value) {
  simd_t made;
  for (int j = 0; j < 16; ++j) {
    made.lanes[j] = value;
  }
  return made;
}
INLINE simd_t simd_load(const int32_t *values) {
  simd_t made;
  memcpy(made.lanes, values, sizeof made.lanes);
  return made;
}
INLINE simd_t simd_add(simd_t a, simd_t b) {
  for (int j = 0; j < 16; ++j) {
    a.lanes[j] += b.lanes[j];
  }
  return a;
}
INLINE simd_t simd_left(simd_t values, int count) {
  for (int j = 0; j < 16; ++j) {
    values.lanes[j] *= (int32_t)1 << count;
  }
  return values;
}
INLINE simd_t simd_power(simd_t exponents) {
  for (int j = 0; j < 16; ++j) {
    exponents.lanes[j] = (int32_t)((uint32_t)1 << exponents.lanes[j]);
  }
  return exponents;
}
INLINE simd_t simd_half(simd_t values) {
  for (int j = 0; j < 16; ++j) {
    values.lanes[j] = (int32_t)((uint32_t)values.lanes[j] >> 1);
  }
  return values;
}
INLINE simd_t simd_above_zero(simd_t values) {
  for (int j = 0; j < 16; ++j) {
    values.lanes[j] = -(int32_t)(values.lanes[j] > 0);
  }
  return values;
}
INLINE simd_t simd_widen(const int8_t *bytes) {
  simd_t made;
  for (int j = 0; j < 16; ++j) {
    made.lanes[j] = bytes[j];
  }
  return made;
}
INLINE simd_t simd_tap(simd_t sums, const int8_t *weights, const simd_value_t *values) {
  for (int j = 0; j < 16; ++j) {
    sums.lanes[j] += (int32_t)weights[j] * values[j];
  }
  return sums;
}
INLINE simd_t simd_rounded(simd_t a, simd_t b) {
  for (int j = 0; j < 16; ++j) {
    a.lanes[j] = (int32_t)(((int64_t)a.lanes[j] * b.lanes[j] + ((int64_t)1 << 30)) >> 31);
  }
  return a;
}
INLINE simd_t simd_upper(simd_t a, simd_t b) {
  for (int j = 0; j < 16; ++j) {
    a.lanes[j] = (int32_t)(((int64_t)a.lanes[j] * b.lanes[j]) >> 32);
  }
  return a;
}
INLINE simd_t simd_shift(simd_t value, simd_t half, simd_t odd, simd_t right) {
  for (int j = 0; j < 16; ++j) {
    const int32_t moved = half.lanes[j] + (value.lanes[j] < 0 ? odd.lanes[j] : 0);
    value.lanes[j] = (value.lanes[j] + moved) >> right.lanes[j];
  }
  return value;
}
INLINE void simd_pack(simd_t values, int32_t low, int32_t high, int8_t *made) {
  for (int j = 0; j < 16; ++j) {
    const int32_t least = values.lanes[j] < low ? low : values.lanes[j];
    made[j] = (int8_t)(least > high ? high : least);
  }
}
#endif
