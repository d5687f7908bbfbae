/* needs: window_type clamp_f32 */
/* DEPTHWISE_CONV_2D. */
typedef struct {
  const float *weights; /* [kernel_h][kernel_w][out_c] */
  const float *biases; /* [out_c] */
  window_t window;
  float low, high;
} depthwise_conv_f32_t;

static float depthwise_conv_f32_sum(const depthwise_conv_f32_t *p, const float *channel, int32_t top, int32_t left,
                                    int32_t c) {
  const window_t *const w = &p->window;
  float sum = p->biases[c];
  for (int32_t ky = 0; ky < w->kernel_h; ++ky) {
    const int32_t y = top + ky * w->dilation_h;
    for (int32_t kx = 0; y >= 0 && y < w->in_h && kx < w->kernel_w; ++kx) {
      const int32_t x = left + kx * w->dilation_w;
      if (x >= 0 && x < w->in_w) {
        sum += channel[(y * w->in_w + x) * w->in_c] * p->weights[(ky * w->kernel_w + kx) * w->out_c + c];
      }
    }
  }
  return clamp_f32(sum, p->low, p->high);
}

NOINLINE static void depthwise_conv_f32(const depthwise_conv_f32_t *p, const float *input, float *output) {
  const window_t *const w = &p->window;
  const int32_t multiplier = w->out_c / w->in_c;
  for (int32_t y = 0; y < w->out_h; ++y) {
    for (int32_t x = 0; x < w->out_w; ++x) {
      const int32_t top = y * w->stride_h - w->pad_top, left = x * w->stride_w - w->pad_left;
      for (int32_t c = 0; c < w->out_c; ++c) {
        *output++ = depthwise_conv_f32_sum(p, input + c / multiplier, top, left, c);
      }
    }
  }
}
