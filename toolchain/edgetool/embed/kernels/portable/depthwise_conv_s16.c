/* needs: window_type rescale_wide clamp_s16 */
/* DEPTHWISE_CONV_2D of 16-bit activations. */
typedef struct {
  const int8_t *weights; /* [kernel_h][kernel_w][out_c] */
  const int64_t *biases; /* [out_c] */
  const int32_t *multipliers;
  const int8_t *shifts;
  window_t window;
  int32_t low, high;
} depthwise_conv_s16_t;

static int64_t depthwise_conv_s16_sum(const depthwise_conv_s16_t *p, const int16_t *channel, int32_t top, int32_t left,
                                      int32_t c) {
  const window_t *const w = &p->window;
  int64_t sum = p->biases[c];
  for (int32_t ky = 0; ky < w->kernel_h; ++ky) {
    const int32_t y = top + ky * w->dilation_h;
    for (int32_t kx = 0; y >= 0 && y < w->in_h && kx < w->kernel_w; ++kx) {
      const int32_t x = left + kx * w->dilation_w;
      if (x >= 0 && x < w->in_w) {
        sum += (int32_t)channel[(y * w->in_w + x) * w->in_c] * p->weights[(ky * w->kernel_w + kx) * w->out_c + c];
      }
    }
  }
  return sum;
}

NOINLINE static void depthwise_conv_s16(const depthwise_conv_s16_t *p, const int16_t *input, int16_t *output) {
  const window_t *const w = &p->window;
  const int32_t multiplier = w->out_c / w->in_c;
  for (int32_t y = 0; y < w->out_h; ++y) {
    for (int32_t x = 0; x < w->out_w; ++x) {
      const int32_t top = y * w->stride_h - w->pad_top, left = x * w->stride_w - w->pad_left;
      for (int32_t c = 0; c < w->out_c; ++c) {
        const int64_t sum = depthwise_conv_s16_sum(p, input + c / multiplier, top, left, c);
        *output++ = clamp_s16(rescale_wide(sum, p->multipliers[c], p->shifts[c]), p->low, p->high);
      }
    }
  }
}
