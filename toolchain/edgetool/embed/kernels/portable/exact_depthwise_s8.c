/* needs: depthwise_conv_s8_type exact_s8 */
/* Some channels of a DEPTHWISE_CONV_2D; weights lie by channel, [num_apart][kernel_h][kernel_w]. */
typedef struct {
  depthwise_conv_s8_t layer;
  const int32_t *channels; /* [num_apart], which they are */
  int32_t num_apart;
} exact_depthwise_s8_t;

static int32_t exact_depthwise_s8_sum(const depthwise_conv_s8_t *p, const int8_t *weights, const int8_t *channel,
                                      int32_t top, int32_t left) {
  int32_t sum = 0;
  for (int32_t ky = 0; ky < p->kernel_h; ++ky) {
    const int32_t y = top + ky * p->dilation_h;
    for (int32_t kx = 0; kx < p->kernel_w; ++kx) {
      const int32_t x = left + kx * p->dilation_w;
      const int is_inside = y >= 0 && y < p->in_h && x >= 0 && x < p->in_w;
      sum += (int32_t)*weights++ * (is_inside ? channel[(y * p->in_w + x) * p->in_c] : p->in_zero);
    }
  }
  return sum;
}

static void exact_depthwise_s8(const exact_depthwise_s8_t *parts, const int8_t *input, int8_t *output) {
  const depthwise_conv_s8_t *const p = &parts->layer;
  const int32_t size = p->kernel_h * p->kernel_w, repeat = p->out_c / p->in_c;
  for (int32_t y = 0; y < p->out_h; ++y) {
    for (int32_t x = 0; x < p->out_w; ++x) {
      for (int32_t c = 0; c < parts->num_apart; ++c) {
        const int32_t products =
            exact_depthwise_s8_sum(p, (const int8_t *)p->weights + c * size, input + parts->channels[c] / repeat,
                                   y * p->stride_h - p->pad_top, x * p->stride_w - p->pad_left);
        const int32_t sum = (int32_t)((uint32_t)p->biases[c] + (uint32_t)products);
        *output++ = exact_store_s8(exact_twice(sum, p->multipliers[c], p->shifts[c]), p->out_zero, p->low, p->high);
      }
    }
  }
}
