/* needs: window_type dot_f32 clamp_f32 */
/* CONV_2D. */
typedef struct {
  const float *weights; /* [out_c][kernel_h][kernel_w][in_c] */
  const float *biases; /* [out_c] */
  window_t window;
  float low, high;
} conv_f32_t;

static float conv_f32_sum(const window_t *w, const float *input, int32_t top, int32_t left, const float *filter) {
  float sum = 0.0f;
  for (int32_t ky = 0; ky < w->kernel_h; ++ky) {
    const int32_t y = top + ky * w->dilation_h;
    for (int32_t kx = 0; y >= 0 && y < w->in_h && kx < w->kernel_w; ++kx) {
      const int32_t x = left + kx * w->dilation_w;
      if (x >= 0 && x < w->in_w) {
        sum += dot_f32(input + (y * w->in_w + x) * w->in_c, filter + (ky * w->kernel_w + kx) * w->in_c, w->in_c);
      }
    }
  }
  return sum;
}

NOINLINE static void conv_f32(const conv_f32_t *p, const float *input, float *output) {
  const window_t *const w = &p->window;
  const int32_t depth = w->kernel_h * w->kernel_w * w->in_c;
  for (int32_t y = 0; y < w->out_h; ++y) {
    for (int32_t x = 0; x < w->out_w; ++x) {
      const int32_t top = y * w->stride_h - w->pad_top, left = x * w->stride_w - w->pad_left;
      for (int32_t c = 0; c < w->out_c; ++c) {
        const float sum = conv_f32_sum(w, input, top, left, p->weights + c * depth);
        *output++ = clamp_f32(sum + p->biases[c], p->low, p->high);
      }
    }
  }
}
