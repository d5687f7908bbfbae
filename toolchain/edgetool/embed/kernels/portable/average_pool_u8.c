/* needs: average_pool_s8_sum clamp_s8 */
/* AVERAGE_POOL_2D of values that the file has as unsigned bytes, 128 more: halves are rounded up. */
typedef average_pool_s8_t average_pool_u8_t;

static void average_pool_u8(const average_pool_u8_t *p, const int8_t *input, int8_t *output) {
  for (int32_t y = 0; y < p->out_h; ++y) {
    for (int32_t x = 0; x < p->out_w; ++x) {
      for (int32_t c = 0; c < p->channels; ++c) {
        int32_t count;
        const int32_t sum = average_pool_s8_sum(p, input + c, y * p->stride_h - p->pad_top,
                                                x * p->stride_w - p->pad_left, &count);
        *output++ = clamp_s8((sum + 128 * count + count / 2) / count - 128, p->low, p->high);
      }
    }
  }
}
