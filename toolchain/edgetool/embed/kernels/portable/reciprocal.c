/* needs: multiply_high */
/* x * factor, kept inside of int32. */
static int32_t multiply_saturated(int32_t x, int32_t factor) {
  const int32_t limit = INT32_MAX / factor;
  return x > limit ? INT32_MAX : (x < -limit ? INT32_MIN : x * factor);
}

/* 1 / x by Newton's method for x > 0 of so many integer bits: the result times 2^-shift; 2^31 is one. */
static int32_t reciprocal(int32_t x, int32_t integer_bits, int32_t *shift) {
  int32_t headroom = 1;
  while (headroom < 31 && (x >> (31 - headroom)) == 0) {
    ++headroom;
  }
  *shift = integer_bits - headroom;
  const uint32_t denominator = (uint32_t)x << headroom; /* of 1 to 2; 2^31 is one */
  const int32_t half = (int32_t)(denominator >> 1);
  int32_t value = 1515870810 + multiply_high(half, -1010580540); /* 48/17 - 32/17 half; 2^29 is one */
  for (int32_t i = 0; i < 3; ++i) {
    const int32_t rest = ((int32_t)1 << 29) - multiply_high(half, value);
    value += multiply_saturated(multiply_high(value, rest), 4);
  }
  return multiply_saturated(value, 2);
}
