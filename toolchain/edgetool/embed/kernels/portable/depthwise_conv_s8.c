/* needs: depthwise_conv_s8_type rescale_twice clamp_s8 */
/* DEPTHWISE_CONV_2D: sums of all channels grow side by side, tap after tap. */
/* Add one tap's products to the sums; pixel is null in the padding, which holds the zero point. */
static void depthwise_conv_s8_tap(const depthwise_conv_s8_t *p, const int8_t *weights, const int8_t *pixel,
                                  int32_t *sums) {
  const int32_t repeat = p->out_c / p->in_c;
  if (pixel == NULL) {
    for (int32_t c = 0; c < p->out_c; ++c) {
      sums[c] += (int32_t)weights[c] * p->in_zero;
    }
  } else if (repeat == 1) {
    for (int32_t c = 0; c < p->out_c; ++c) {
      sums[c] += (int32_t)weights[c] * pixel[c];
    }
  } else {
    for (int32_t c = 0; c < p->out_c; ++c) {
      sums[c] += (int32_t)weights[c] * pixel[c / repeat];
    }
  }
}

static void depthwise_conv_s8(const depthwise_conv_s8_t *p, const int8_t *input, int8_t *output, void *scratch) {
  int32_t *const sums = (int32_t *)scratch;
  for (int32_t y = 0; y < p->out_h; ++y) {
    for (int32_t x = 0; x < p->out_w; ++x) {
      memcpy(sums, p->biases, (size_t)p->out_c * sizeof(int32_t));
      const int8_t *weights = (const int8_t *)p->weights;
      for (int32_t ky = 0; ky < p->kernel_h; ++ky) {
        const int32_t row = y * p->stride_h - p->pad_top + ky * p->dilation_h;
        for (int32_t kx = 0; kx < p->kernel_w; ++kx) {
          const int32_t column = x * p->stride_w - p->pad_left + kx * p->dilation_w;
          const int is_inside = row >= 0 && row < p->in_h && column >= 0 && column < p->in_w;
          depthwise_conv_s8_tap(p, weights, is_inside ? input + (row * p->in_w + column) * p->in_c : NULL, sums);
          weights += p->out_c;
        }
      }
      for (int32_t c = 0; c < p->out_c; ++c) {
        *output++ = clamp_s8(rescale_twice(sums[c], p->multipliers[c], p->shifts[c]) + p->out_zero, p->low, p->high);
      }
    }
  }
}
