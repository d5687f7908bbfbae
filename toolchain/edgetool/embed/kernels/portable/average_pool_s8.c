/* needs: average_pool_s8_type clamp_s8 */
/* AVERAGE_POOL_2D: padding does not count; halves are rounded away from zero. */
static int8_t average_pool_s8_mean(const average_pool_s8_t *p, const int8_t *channel, int32_t top, int32_t left) {
  int32_t sum = 0;
  int32_t count = 0;
  for (int32_t y = top < 0 ? 0 : top; y < p->in_h && y < top + p->kernel_h; ++y) {
    for (int32_t x = left < 0 ? 0 : left; x < p->in_w && x < left + p->kernel_w; ++x) {
      sum += channel[(y * p->in_w + x) * p->channels];
      ++count;
    }
  }
  return clamp_s8((sum > 0 ? sum + count / 2 : sum - count / 2) / count, p->low, p->high);
}

static void average_pool_s8(const average_pool_s8_t *p, const int8_t *input, int8_t *output) {
  for (int32_t y = 0; y < p->out_h; ++y) {
    for (int32_t x = 0; x < p->out_w; ++x) {
      for (int32_t c = 0; c < p->channels; ++c) {
        *output++ = average_pool_s8_mean(p, input + c, y * p->stride_h - p->pad_top, x * p->stride_w - p->pad_left);
      }
    }
  }
}
