/* needs: simd_ring simd_store */
/* DEPTHWISE_CONV_2D, sixteen channels at a time, over a ring of rows, so that output may be the input where strides are
   1 and no size changes. Weights lie as [out_c / 16][kernel_h][kernel_w][16], filled up with zeros. Behind the biases,
   [out_c] filled up to 16, stand those for values with SIMD_OFFSET. */
typedef conv_s8_t depthwise_conv_s8_simd_t;

/* Sums of sixteen channels of one pixel; `x` is its window's first value in a row of the ring. */
INLINE simd_t depthwise_simd_sums(const conv_s8_t *p, const simd_ring_t *ring, int32_t slot, const simd_value_t *x,
                                  const int8_t *weights) {
  const int32_t step = p->dilation_w * p->out_c, kernel_h = p->kernel_h, kernel_w = p->kernel_w;
  simd_t sums = simd_all(0);
  for (int32_t ky = 0; ky < kernel_h; ++ky) {
    const simd_value_t *values = x + slot * ring->width;
    for (int32_t kx = 0; kx < kernel_w; ++kx) {
      sums = simd_tap(sums, weights, values);
      values += step;
      weights += 16;
    }
    slot += p->dilation_h;
    slot -= slot >= ring->rows ? ring->rows : 0;
  }
  return sums;
}

NOINLINE static void depthwise_conv_s8_simd(const conv_s8_t *p, const int8_t *input, int8_t *output, void *scratch) {
  const int32_t out_c = p->out_c, padded = (out_c + 15) & ~15, size = p->kernel_h * p->kernel_w * 16;
  const simd_scales_t scales = {p->biases + (SIMD_OFFSET != 0 ? padded : 0), p->multipliers, p->shifts,
                              p->out_zero, p->low, p->high};
  simd_ring_t ring = simd_ring_begin(p, out_c / p->in_c, 0, scratch);
  for (int32_t y = 0; y < p->out_h; ++y) {
    const int32_t slot = simd_ring_advance(&ring, p, input, y);
    for (int32_t c = 0; c < out_c; c += 16) {
      const int8_t *const weights = (const int8_t *)p->weights + c / 16 * size;
      const simd_scale_t scale = simd_scale_at(&scales, c);
      const simd_value_t *values = ring.values + c;
      for (int32_t x = 0; x < p->out_w; ++x) {
        const simd_t sums = depthwise_simd_sums(p, &ring, slot, values, weights);
        simd_store(&scales, simd_twice(&scale, sums), output + x * out_c + c, out_c - c);
        values += p->stride_w * out_c;
      }
    }
    output += p->out_w * out_c;
  }
}
