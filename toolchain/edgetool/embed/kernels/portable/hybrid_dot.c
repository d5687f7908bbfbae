/* Sum of products of values, less their zero point, and weights. */
static int32_t hybrid_dot(const int8_t *values, int32_t zero, const int8_t *weights, int32_t count) {
  int32_t sum = 0;
  for (int32_t i = 0; i < count; ++i) {
    sum += (values[i] - zero) * weights[i];
  }
  return sum;
}
