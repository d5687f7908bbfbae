/* needs: window_type clamp_f32 */
/* AVERAGE_POOL_2D: padding does not count. */
typedef struct {
  window_t window;
  float low, high;
} average_pool_f32_t;

static float average_pool_f32_value(const window_t *w, const float *channel, int32_t top, int32_t left) {
  float value = 0.0f;
  int32_t count = 0;
  for (int32_t y = top < 0 ? 0 : top; y < w->in_h && y < top + w->kernel_h; ++y) {
    for (int32_t x = left < 0 ? 0 : left; x < w->in_w && x < left + w->kernel_w; ++x) {
      const float pixel = channel[(y * w->in_w + x) * w->in_c];
      value += pixel;
      ++count;
    }
  }
  return value / (float)count;
}

static void average_pool_f32(const average_pool_f32_t *p, const float *input, float *output) {
  const window_t *const w = &p->window;
  for (int32_t y = 0; y < w->out_h; ++y) {
    for (int32_t x = 0; x < w->out_w; ++x) {
      for (int32_t c = 0; c < w->out_c; ++c) {
        const int32_t top = y * w->stride_h - w->pad_top, left = x * w->stride_w - w->pad_left;
        *output++ = clamp_f32(average_pool_f32_value(w, input + c, top, left), p->low, p->high);
      }
    }
  }
}
