/* round(x * multiplier * 2^(-right - 31)) in two steps, as rescale_twice, for right of 1 or more. */
static inline int32_t rescale_down(int32_t x, int32_t multiplier, int right) {
  const int32_t high = (int32_t)(((int64_t)x * multiplier + ((int64_t)1 << 30)) >> 31);
  return (high + ((int32_t)1 << (right - 1)) + (high >> 31)) >> right;
}
