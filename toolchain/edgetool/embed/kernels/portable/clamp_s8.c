/* The stored value, kept inside of what an activation lets through. */
static int8_t clamp_s8(int32_t value, int32_t low, int32_t high) {
  return (int8_t)(value < low ? low : (value > high ? high : value));
}
