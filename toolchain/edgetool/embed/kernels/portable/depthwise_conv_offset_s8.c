/* needs: depthwise_conv_s8_type rescale_twice clamp_s8 */
/* DEPTHWISE_CONV_2D of weights with a zero point. */
typedef struct {
  depthwise_conv_s8_t conv; /* biases: the input's zero point taken off, with the weights' */
  int32_t weight_zero;
} depthwise_conv_offset_s8_t;

/* Add one tap's products to the sums; pixel is null in the padding, which holds the zero point. */
static void depthwise_conv_offset_s8_tap(const depthwise_conv_offset_s8_t *p, const int8_t *weights,
                                         const int8_t *pixel, int32_t *sums) {
  const int32_t repeat = p->conv.out_c / p->conv.in_c;
  for (int32_t c = 0; c < p->conv.out_c; ++c) {
    sums[c] += (weights[c] - p->weight_zero) * (pixel == NULL ? p->conv.in_zero : pixel[c / repeat]);
  }
}

static void depthwise_conv_offset_s8(const depthwise_conv_offset_s8_t *p, const int8_t *input, int8_t *output,
                                     void *scratch) {
  const depthwise_conv_s8_t *const conv = &p->conv;
  int32_t *const sums = (int32_t *)scratch;
  for (int32_t y = 0; y < conv->out_h; ++y) {
    for (int32_t x = 0; x < conv->out_w; ++x) {
      memcpy(sums, conv->biases, (size_t)conv->out_c * sizeof(int32_t));
      const int8_t *weights = (const int8_t *)conv->weights;
      for (int32_t ky = 0; ky < conv->kernel_h; ++ky) {
        const int32_t row = y * conv->stride_h - conv->pad_top + ky * conv->dilation_h;
        for (int32_t kx = 0; kx < conv->kernel_w; ++kx) {
          const int32_t column = x * conv->stride_w - conv->pad_left + kx * conv->dilation_w;
          const int is_inside = row >= 0 && row < conv->in_h && column >= 0 && column < conv->in_w;
          const int8_t *const pixel = is_inside ? input + (row * conv->in_w + column) * conv->in_c : NULL;
          depthwise_conv_offset_s8_tap(p, weights, pixel, sums);
          weights += conv->out_c;
        }
      }
      for (int32_t c = 0; c < conv->out_c; ++c) {
        const int32_t scaled = rescale_twice(sums[c], conv->multipliers[c], conv->shifts[c]) + conv->out_zero;
        *output++ = clamp_s8(scaled, conv->low, conv->high);
      }
    }
  }
}
