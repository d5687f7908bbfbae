/* Sum of products of two int8 vectors. */
static int32_t dot_s8(const int8_t *a, const int8_t *b, int32_t count) {
  int32_t sum = 0;
  for (int32_t i = 0; i < count; ++i) {
    sum += (int32_t)a[i] * b[i];
  }
  return sum;
}
