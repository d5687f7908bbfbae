/* needs: average_pool_s8_type */
/* The sum of what is under a window in one channel; padding does not count. */
static int32_t average_pool_s8_sum(const average_pool_s8_t *p, const int8_t *channel, int32_t top, int32_t left,
                                   int32_t *count) {
  int32_t sum = 0;
  *count = 0;
  for (int32_t y = top < 0 ? 0 : top; y < p->in_h && y < top + p->kernel_h; ++y) {
    for (int32_t x = left < 0 ? 0 : left; x < p->in_w && x < left + p->kernel_w; ++x) {
      sum += channel[(y * p->in_w + x) * p->channels];
      ++*count;
    }
  }
  return sum;
}
