/* needs: window_type dot_s16 rescale_wide clamp_s16 */
/* CONV_2D of 16-bit activations. */
typedef struct {
  const int8_t *weights; /* [out_c][kernel_h][kernel_w][in_c] */
  const int64_t *biases; /* [out_c] */
  const int32_t *multipliers;
  const int8_t *shifts;
  window_t window;
  int32_t low, high;
} conv_s16_t;

static int64_t conv_s16_sum(const window_t *w, const int16_t *input, int32_t top, int32_t left, const int8_t *filter) {
  int64_t sum = 0;
  for (int32_t ky = 0; ky < w->kernel_h; ++ky) {
    const int32_t y = top + ky * w->dilation_h;
    for (int32_t kx = 0; y >= 0 && y < w->in_h && kx < w->kernel_w; ++kx) {
      const int32_t x = left + kx * w->dilation_w;
      if (x >= 0 && x < w->in_w) {
        sum += dot_s16(input + (y * w->in_w + x) * w->in_c, filter + (ky * w->kernel_w + kx) * w->in_c, w->in_c);
      }
    }
  }
  return sum;
}

NOINLINE static void conv_s16(const conv_s16_t *p, const int16_t *input, int16_t *output) {
  const window_t *const w = &p->window;
  const int32_t depth = w->kernel_h * w->kernel_w * w->in_c;
  for (int32_t y = 0; y < w->out_h; ++y) {
    for (int32_t x = 0; x < w->out_w; ++x) {
      const int32_t top = y * w->stride_h - w->pad_top, left = x * w->stride_w - w->pad_left;
      for (int32_t c = 0; c < w->out_c; ++c) {
        const int64_t sum = p->biases[c] + conv_s16_sum(w, input, top, left, p->weights + c * depth);
        *output++ = clamp_s16(rescale_wide(sum, p->multipliers[c], p->shifts[c]), p->low, p->high);
      }
    }
  }
}
