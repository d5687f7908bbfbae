/* needs: clamp_s8 */
/* MAX_POOL_2D: padding does not count. */
typedef struct {
  int32_t in_h, in_w, channels, out_h, out_w;
  int32_t kernel_h, kernel_w, stride_h, stride_w, pad_top, pad_left, low, high;
} max_pool_s8_t;

static int8_t max_pool_s8_largest(const max_pool_s8_t *p, const int8_t *channel, int32_t top, int32_t left) {
  int32_t largest = INT8_MIN;
  for (int32_t y = top < 0 ? 0 : top; y < p->in_h && y < top + p->kernel_h; ++y) {
    for (int32_t x = left < 0 ? 0 : left; x < p->in_w && x < left + p->kernel_w; ++x) {
      const int32_t value = channel[(y * p->in_w + x) * p->channels];
      largest = value > largest ? value : largest;
    }
  }
  return clamp_s8(largest, p->low, p->high);
}

static void max_pool_s8(const max_pool_s8_t *p, const int8_t *input, int8_t *output) {
  for (int32_t y = 0; y < p->out_h; ++y) {
    for (int32_t x = 0; x < p->out_w; ++x) {
      for (int32_t c = 0; c < p->channels; ++c) {
        *output++ = max_pool_s8_largest(p, input + c, y * p->stride_h - p->pad_top, x * p->stride_w - p->pad_left);
      }
    }
  }
}
