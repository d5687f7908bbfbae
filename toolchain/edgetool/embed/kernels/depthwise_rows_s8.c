/* needs: depthwise_conv_s8_type dsp rescale_down clamp_s8 */
/* DEPTHWISE_CONV_2D with one output a channel, four channels at a time. The rows under the window are copied into a
   ring, padded with the zero point, so that output may be the input where strides are 1 and no size changes. */

typedef depthwise_conv_s8_t depthwise_rows_s8_t;

/* Copy image row `y` into its place in the ring. */
static void depthwise_rows_s8_copy(const depthwise_conv_s8_t *p, const int8_t *input, int32_t y, int8_t *ring,
                                   int32_t ring_w) {
  int8_t *const row = ring + ((y + p->kernel_h) % p->kernel_h) * ring_w * p->in_c;
  if (y < 0 || y >= p->in_h) {
    memset(row, p->in_zero, (size_t)(ring_w * p->in_c));
  } else {
    memcpy(row + p->pad_left * p->in_c, input + y * p->in_w * p->in_c, (size_t)(p->in_w * p->in_c));
  }
}

static inline void depthwise_rows_s8_pixel(const depthwise_conv_s8_t *p, const int8_t *ring, int32_t top, int32_t left,
                                           int32_t ring_w, int8_t *output) {
  for (int32_t c = 0; c < p->out_c; c += 4) {
    int32_t s0 = p->biases[c], s1 = p->biases[c + 1], s2 = p->biases[c + 2], s3 = p->biases[c + 3];
    const int8_t *weights = p->weights + c;
    for (int32_t ky = 0; ky < p->kernel_h; ++ky) {
      const int8_t *pixel = ring + (((top + ky + p->kernel_h) % p->kernel_h) * ring_w + left) * p->in_c + c;
      for (int32_t kx = 0; kx < p->kernel_w; ++kx) {
        const uint32_t w = dsp_load(weights), x = dsp_load(pixel);
        const uint32_t w_even = dsp_even(w), x_even = dsp_even(x), w_odd = dsp_odd(w), x_odd = dsp_odd(x);
        s0 = dsp_low(w_even, x_even, s0);
        s2 = dsp_high(w_even, x_even, s2);
        s1 = dsp_low(w_odd, x_odd, s1);
        s3 = dsp_high(w_odd, x_odd, s3);
        weights += p->out_c;
        pixel += p->in_c;
      }
    }
    const int32_t sums[4] = {s0, s1, s2, s3};
    for (int32_t i = 0; i < 4; ++i) {
      const int32_t made = rescale_down(sums[i], p->multipliers[c + i], p->shifts[c + i]) + p->out_zero;
      output[c + i] = clamp_s8(made, p->low, p->high);
    }
  }
}

static void depthwise_rows_s8(const depthwise_conv_s8_t *p, const int8_t *input, int8_t *output, void *scratch) {
  int8_t *const ring = (int8_t *)scratch;
  const int32_t ring_w = (p->out_w - 1) * p->stride_w + p->kernel_w > p->in_w + p->pad_left
                             ? (p->out_w - 1) * p->stride_w + p->kernel_w
                             : p->in_w + p->pad_left;
  int32_t next = -p->pad_top;
  memset(ring, p->in_zero, (size_t)(p->kernel_h * ring_w * p->in_c));
  for (int32_t y = 0; y < p->out_h; ++y) {
    const int32_t top = y * p->stride_h - p->pad_top;
    for (; next < top + p->kernel_h; ++next) {
      depthwise_rows_s8_copy(p, input, next, ring, ring_w);
    }
    for (int32_t x = 0; x < p->out_w; ++x) {
      depthwise_rows_s8_pixel(p, ring, top, x * p->stride_w, ring_w, output);
      output += p->out_c;
    }
  }
}
