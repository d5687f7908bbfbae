/* needs: depthwise_ring mve */
/* DEPTHWISE_CONV_2D as depthwise_rows_s8, with Helium. */
typedef depthwise_conv_s8_t depthwise_rows_s8_mve_t;

/* All channels of one output pixel; rows[ky] is where the window's row begins in the ring. */
INLINE void depthwise_rows_s8_mve_pixel(const depthwise_conv_s8_t *p, const int8_t *const *rows, int32_t offset,
                                               int8_t *output) {
  const mve_scale_t scale = {p->multipliers, p->shifts, p->out_zero, p->low, p->high};
  const int32_t out_c = p->out_c, kernel_h = p->kernel_h, width = p->kernel_w * out_c;
  for (int32_t c = 0; c < out_c; c += 4) {
    mve_four_t sums = mve_load(p->biases + c);
    const int8_t *weights = (const int8_t *)p->weights + c;
    for (int32_t ky = 0; ky < kernel_h; ++ky) {
      const int8_t *pixel = rows[ky] + offset + c;
      const int8_t *const end = weights + width;
      for (; weights < end; weights += out_c) {
        sums = mve_multiply(sums, weights, pixel);
        pixel += out_c;
      }
    }
    mve_store_twice(scale, sums, c, output + c, 4);
  }
}

NOINLINE static void depthwise_rows_s8_mve(const depthwise_conv_s8_t *p, const int8_t *input, int8_t *output, void *scratch) {
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
      depthwise_rows_s8_mve_pixel(p, rows, x * p->stride_w * p->in_c, output);
      output += p->out_c;
    }
  }
}
