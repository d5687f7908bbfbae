/* The same in one step, rounded once, halves up: what fully connected layers do. */
static int32_t rescale_once(int32_t x, int32_t multiplier, int shift) {
  const int right = 31 - shift;
  const int64_t half = (int64_t)1 << (right - 1);
  return (int32_t)(((int64_t)x * multiplier + half) >> right);
}
