/* round(a * b / 2^31), halves up; not both may be the smallest number. */
static int32_t multiply_high(int32_t a, int32_t b) {
  return (int32_t)(((int64_t)a * b + ((int64_t)1 << 30)) >> 31);
}
