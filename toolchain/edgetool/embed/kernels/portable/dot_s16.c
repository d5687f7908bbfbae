/* Sum of products of activations and weights. */
static int64_t dot_s16(const int16_t *a, const int8_t *b, int32_t count) {
  int64_t sum = 0;
  for (int32_t i = 0; i < count; ++i) {
    sum += (int32_t)a[i] * b[i];
  }
  return sum;
}
