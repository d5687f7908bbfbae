/* needs: conv_s8_type simd_convert */
/* The rows under a window, in a ring, padded with the zero point, as SIMD instructions want values. */
typedef struct {
  simd_value_t *values; /* [rows][width], and more, which are read and make no difference */
  simd_value_t *end;
  int32_t rows, width, repeat, next;
} simd_ring_t;

static void simd_ring_fill(simd_value_t *values, int32_t zero, int32_t count) {
  const simd_value_t value = (simd_value_t)(zero + SIMD_OFFSET);
  for (int32_t i = 0; i < count; ++i) {
    values[i] = value;
  }
}

/* An empty ring; every input channel is stored `repeat` times, and `behind` values and 16 are read behind the last. */
INLINE simd_ring_t simd_ring_begin(const conv_s8_t *p, int32_t repeat, int32_t behind, void *scratch) {
  const int32_t under = (p->out_w - 1) * p->stride_w + (p->kernel_w - 1) * p->dilation_w + 1;
  const int32_t whole = p->in_w + p->pad_left;
  simd_ring_t ring;
  ring.values = (simd_value_t *)scratch;
  ring.rows = (p->kernel_h - 1) * p->dilation_h + 1;
  ring.width = (under > whole ? under : whole) * p->in_c * repeat;
  ring.repeat = repeat;
  ring.next = -p->pad_top;
  ring.end = ring.values + ring.rows * ring.width + behind + 16;
  simd_ring_fill(ring.values, p->in_zero, (int32_t)(ring.end - ring.values));
  return ring;
}

static void simd_ring_row(const simd_ring_t *ring, const conv_s8_t *p, const int8_t *input, int32_t y) {
  simd_value_t *const row = ring->values + (y + p->pad_top) % ring->rows * ring->width;
  if (y < 0 || y >= p->in_h) {
    simd_ring_fill(row, p->in_zero, ring->width);
    return;
  }
  const int8_t *const pixels = input + y * p->in_w * p->in_c;
  simd_value_t *const made = row + p->pad_left * p->in_c * ring->repeat;
  if (ring->repeat == 1) {
    simd_convert(pixels, made, p->in_w * p->in_c);
    return;
  }
  for (int32_t i = 0; i < p->in_w * p->in_c; ++i) {
    simd_ring_fill(made + i * ring->repeat, pixels[i], ring->repeat);
  }
}

/* Copy what output row `y` needs; returns the place in the ring of the window's first row. */
INLINE int32_t simd_ring_advance(simd_ring_t *ring, const conv_s8_t *p, const int8_t *input, int32_t y) {
  const int32_t top = y * p->stride_h - p->pad_top;
  for (ring->next = ring->next < top ? top : ring->next; ring->next < top + ring->rows; ++ring->next) {
    simd_ring_row(ring, p, input, ring->next);
  }
  return y * p->stride_h % ring->rows;
}
