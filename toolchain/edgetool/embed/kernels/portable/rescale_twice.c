/* round(x * multiplier * 2^(shift - 31)) in two steps, each rounded: what convolutions and additions do. */
static int32_t rescale_twice(int32_t x, int32_t multiplier, int shift) {
  const int left = shift > 0 ? shift : 0;
  const int right = shift > 0 ? 0 : -shift;
  const int64_t product = (int64_t)(x * ((int32_t)1 << left)) * multiplier;
  const int32_t high = (int32_t)((product + ((int64_t)1 << 30)) >> 31);
  const int32_t half = right > 0 ? ((int32_t)1 << (right - 1)) - (int32_t)(high < 0) : 0; /* halves away from zero */
  return (high + half) >> right;
}
