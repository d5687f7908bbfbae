/* The stored value, kept inside of what an activation lets through. */
static int16_t clamp_s16(int32_t value, int32_t low, int32_t high) {
  return (int16_t)(value < low ? low : (value > high ? high : value));
}
