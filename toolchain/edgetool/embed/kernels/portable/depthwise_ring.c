/* needs: depthwise_conv_s8_type */
/* The rows under the window of a depthwise convolution, copied into a ring and padded with the zero point. */

/* Copy image row `y` into its place in the ring. */
static void depthwise_ring_copy(const depthwise_conv_s8_t *p, const int8_t *input, int32_t y, int8_t *ring,
                                   int32_t ring_w) {
  int8_t *const row = ring + ((y + p->kernel_h) % p->kernel_h) * ring_w * p->in_c;
  if (y < 0 || y >= p->in_h) {
    memset(row, p->in_zero, (size_t)(ring_w * p->in_c));
  } else {
    memcpy(row + p->pad_left * p->in_c, input + y * p->in_w * p->in_c, (size_t)(p->in_w * p->in_c));
  }
}
