/* needs: multiply_high */
/* x * 2^power, kept inside of int32. */
static int32_t multiply_by_power(int32_t x, int32_t power) {
  const int64_t value = (int64_t)x * ((int64_t)1 << power);
  return value > INT32_MAX ? INT32_MAX : (value < INT32_MIN ? INT32_MIN : (int32_t)value);
}

/* 1 / x by Newton's method for x > 0 of so many integer bits: the result times 2^-shift; 2^31 is one. */
static int32_t reciprocal(int32_t x, int32_t integer_bits, int32_t *shift) {
  int32_t headroom = 1;
  while (headroom < 31 && (x >> (31 - headroom)) == 0) {
    ++headroom;
  }
  *shift = integer_bits - headroom;
  const int64_t fraction = ((int64_t)x << headroom) - ((int64_t)1 << 31);
  const int32_t half = (int32_t)((fraction + INT32_MAX + 1) / 2); /* half of the denominator */
  int32_t value = 1515870810 + multiply_high(half, -1010580540); /* 48/17 - 32/17 half; 2^29 is one */
  for (int32_t i = 0; i < 3; ++i) {
    const int32_t rest = ((int32_t)1 << 29) - multiply_high(half, value);
    value += multiply_by_power(multiply_high(value, rest), 2);
  }
  return multiply_by_power(value, 1);
}
