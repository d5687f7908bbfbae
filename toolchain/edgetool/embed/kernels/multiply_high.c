/* round(a * b / 2^31), halves away from zero; not both may be the smallest number. */
static int32_t multiply_high(int32_t a, int32_t b) {
  const int64_t product = (int64_t)a * b;
  const int64_t half = product >= 0 ? (int64_t)1 << 30 : 1 - ((int64_t)1 << 30);
  return (int32_t)((product + half) / ((int64_t)1 << 31));
}
