/* Scales of channels that no other kernel computes: any shift, any bias, and 32 bits wrap around as LiteRT's do. */

/* A value with the zero point, clamped. */
static int8_t exact_store_s8(int64_t value, int32_t zero, int32_t low, int32_t high) {
  const int32_t moved = (int32_t)((uint32_t)value + (uint32_t)zero);
  return (int8_t)(moved < low ? low : (moved > high ? high : moved));
}

/* As rescale_twice. */
INLINE int64_t exact_twice(int32_t x, int32_t multiplier, int shift) {
  const int left = shift > 0 ? shift : 0;
  const int right = shift > 0 ? 0 : -shift;
  const int64_t product = (int64_t)(int32_t)((uint32_t)x << left) * multiplier;
  const int64_t high = (product + ((int64_t)1 << 30)) >> 31;
  const int64_t half = right > 0 ? ((int64_t)1 << (right - 1)) - (int64_t)(high < 0) : 0;
  return (high + half) >> right;
}
