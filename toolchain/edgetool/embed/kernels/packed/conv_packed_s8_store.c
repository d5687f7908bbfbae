/* needs: add_s8_one */
/* Write what a part made of a pixel, [part.out_c], with another summand where there are scales. */
INLINE void conv_packed_s8_store(const int8_t *made, int32_t count, const sum_s8_scales_t *scales, const int8_t *other,
                                 int8_t *output) {
  if (scales == NULL) {
    memcpy(output, made, (size_t)count);
    return;
  }
  for (int32_t c = 0; c < count; ++c) {
    output[c] = add_s8_one(scales, made[c], other[c]);
  }
}
