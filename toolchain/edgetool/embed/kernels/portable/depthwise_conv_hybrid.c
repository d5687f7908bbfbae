/* needs: window_type hybrid_values clamp_f32 */
/* DEPTHWISE_CONV_2D of floats with int8 weights; the image is quantised first. */
typedef struct {
  const int8_t *weights; /* [kernel_h][kernel_w][out_c] */
  const float *scales; /* of the weights, [out_c] */
  const float *biases; /* [out_c] */
  window_t window;
  int32_t scale_step, is_symmetric;
  float low, high;
} depthwise_conv_hybrid_t;

static int32_t depthwise_conv_hybrid_sum(const depthwise_conv_hybrid_t *p, const int8_t *channel, int32_t zero,
                                         int32_t top, int32_t left, int32_t c) {
  const window_t *const w = &p->window;
  int32_t sum = 0;
  for (int32_t ky = 0; ky < w->kernel_h; ++ky) {
    const int32_t y = top + ky * w->dilation_h;
    for (int32_t kx = 0; y >= 0 && y < w->in_h && kx < w->kernel_w; ++kx) {
      const int32_t x = left + kx * w->dilation_w;
      if (x >= 0 && x < w->in_w) {
        const int32_t value = channel[(y * w->in_w + x) * w->in_c] - zero;
        sum += value * p->weights[(ky * w->kernel_w + kx) * w->out_c + c];
      }
    }
  }
  return sum;
}

NOINLINE static void depthwise_conv_hybrid(const depthwise_conv_hybrid_t *p, const float *input, float *output,
                                           void *scratch) {
  const window_t *const w = &p->window;
  const int32_t multiplier = w->out_c / w->in_c;
  int8_t *const image = (int8_t *)scratch;
  const hybrid_scale_t given = hybrid_values(input, w->in_h * w->in_w * w->in_c, p->is_symmetric, image);
  for (int32_t y = 0; y < w->out_h; ++y) {
    for (int32_t x = 0; x < w->out_w; ++x) {
      const int32_t top = y * w->stride_h - w->pad_top, left = x * w->stride_w - w->pad_left;
      for (int32_t c = 0; c < w->out_c; ++c) {
        const float sum = (float)depthwise_conv_hybrid_sum(p, image + c / multiplier, given.zero, top, left, c);
        const float scale = p->scales[c * p->scale_step] * given.scale;
        *output++ = clamp_f32(sum * scale + p->biases[c], p->low, p->high);
      }
    }
  }
}
