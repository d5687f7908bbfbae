/* Clamp stored values, where the limits are not those of their type. */
static void clamp_all_s8(int8_t *values, int32_t count, int32_t low, int32_t high) {
  if (low <= -128 && high >= 127) {
    return;
  }
  for (int32_t i = 0; i < count; ++i) {
    const int32_t value = values[i];
    values[i] = (int8_t)(value < low ? low : (value > high ? high : value));
  }
}
