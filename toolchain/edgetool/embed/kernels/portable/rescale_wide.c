/* round(x * multiplier * 2^(shift - 31)), halves up, by the upper 16 bits of the multiplier: sums of 16-bit products. */
static int32_t rescale_wide(int64_t x, int32_t multiplier, int shift) {
  const int32_t reduced = multiplier < 0x7FFF0000 ? (multiplier + (1 << 15)) >> 16 : 0x7FFF;
  const int right = 15 - shift;
  return (int32_t)((x * reduced + ((int64_t)1 << (right - 1))) >> right);
}
