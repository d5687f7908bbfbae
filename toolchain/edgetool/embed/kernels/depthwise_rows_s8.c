/* needs: depthwise_ring dsp rescale_down */
/* DEPTHWISE_CONV_2D with one output a channel, four channels at a time, over a ring of rows, so that output may be the
   input where strides are 1 and no size changes. */
typedef depthwise_conv_s8_t depthwise_rows_s8_t;

/* All channels of one output pixel; rows[ky] is where the window's row begins in the ring. */
INLINE void depthwise_rows_s8_pixel(const depthwise_conv_s8_t *p, const int8_t *const *rows, int32_t offset,
                                           int8_t *output) {
  const output_scale_t scale = {p->multipliers, p->shifts, p->out_zero, p->low, p->high};
  const int32_t out_c = p->out_c, kernel_h = p->kernel_h, width = p->kernel_w * out_c;
  const int32_t *const biases = p->biases;
  const int8_t *const all = (const int8_t *)p->weights;
  for (int32_t c = 0; c < out_c; c += 4) {
    int32_t s0 = biases[c], s1 = biases[c + 1], s2 = biases[c + 2], s3 = biases[c + 3];
    const int8_t *weights = all + c;
    for (int32_t ky = 0; ky < kernel_h; ++ky) {
      const int8_t *pixel = rows[ky] + offset + c;
      const int8_t *const end = weights + width;
      for (; weights < end; weights += out_c) {
        const uint32_t w = dsp_load(weights), x = dsp_load(pixel);
        const uint32_t w_even = dsp_even(w), x_even = dsp_even(x), w_odd = dsp_odd(w), x_odd = dsp_odd(x);
        s0 = dsp_low(w_even, x_even, s0);
        s2 = dsp_high(w_even, x_even, s2);
        s1 = dsp_low(w_odd, x_odd, s1);
        s3 = dsp_high(w_odd, x_odd, s3);
        pixel += out_c;
      }
    }
    output[c] = rescale_down(scale, s0, c);
    output[c + 1] = rescale_down(scale, s1, c + 1);
    output[c + 2] = rescale_down(scale, s2, c + 2);
    output[c + 3] = rescale_down(scale, s3, c + 3);
  }
}

NOINLINE static void depthwise_rows_s8(const depthwise_conv_s8_t *p, const int8_t *input, int8_t *output, void *scratch) {
  const int8_t **const rows = (const int8_t **)scratch;
  int8_t *const ring = (int8_t *)(rows + p->kernel_h);
  const int32_t ring_w = (p->out_w - 1) * p->stride_w + p->kernel_w > p->in_w + p->pad_left
                             ? (p->out_w - 1) * p->stride_w + p->kernel_w
                             : p->in_w + p->pad_left;
  int32_t next = -p->pad_top;
  memset(ring, p->in_zero, (size_t)(p->kernel_h * ring_w * p->in_c));
  for (int32_t y = 0; y < p->out_h; ++y) {
    const int32_t top = y * p->stride_h - p->pad_top;
    for (; next < top + p->kernel_h; ++next) {
      depthwise_ring_copy(p, input, next, ring, ring_w);
    }
    for (int32_t ky = 0; ky < p->kernel_h; ++ky) {
      rows[ky] = ring + ((top + ky + p->kernel_h) % p->kernel_h) * ring_w * p->in_c;
    }
    for (int32_t x = 0; x < p->out_w; ++x) {
      depthwise_rows_s8_pixel(p, rows, x * p->stride_w * p->in_c, output);
      output += p->out_c;
    }
  }
}
