/* needs: simd */
/* Bytes as SIMD instructions want values. */
static void simd_convert(const int8_t *input, simd_value_t *values, int32_t count) {
  for (int32_t i = 0; i < count; ++i) {
    values[i] = (simd_value_t)(input[i] + SIMD_OFFSET);
  }
}
