/* Kept inside of what an activation lets through; sums and products that overflow wrap around before. */
static int32_t clamp_s32(int64_t value, int32_t low, int32_t high) {
  const uint32_t wrapped = (uint32_t)((uint64_t)value & 0xffffffffu);
  const int32_t kept = wrapped < 0x80000000u ? (int32_t)wrapped : (int32_t)(wrapped - 0x80000000u) + INT32_MIN;
  return kept < low ? low : (kept > high ? high : kept);
}
