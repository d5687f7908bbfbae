/* round(x * multiplier * 2^(shift - 31)), halves up, of sums of up to 47 bits: what fully connected layers do. */
static int32_t rescale_long(int64_t x, int32_t multiplier, int shift) {
  const int right = 15 - shift; /* of what lies above the lowest 16 bits */
  const int64_t upper = (x >> 16) * multiplier + (((x & 0xFFFF) * multiplier) >> 16);
  return (int32_t)((upper + ((int64_t)1 << (right - 1))) >> right);
}
