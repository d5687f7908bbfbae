/* needs: simd_ring simd_store add_s8_simd_values */
/* CONV_2D, sixteen filters and four or eight pixels at a time, over a ring of rows. Weights lie as
   [out_c / 16][kernel_h][values in a row of the window / 4][16][4], filled up with zeros; dilated rows are filled up
   for each pixel. Behind the biases, [out_c] filled up to 16, stand those for values with SIMD_OFFSET. */

/* Where a window's values lie, from those of its first pixel on: in runs, a row or, where it is dilated, a pixel of the
   window each. With the places in a table two plain loops go over them, for which there are registers enough. */
typedef struct {
  const simd_value_t *values;
  const int32_t *runs; /* [num_runs] */
  int32_t num_runs, fours, step_x;
} simd_window_t;

INLINE int32_t simd_num_runs(const conv_s8_t *p) { return p->kernel_h * (p->dilation_w == 1 ? 1 : p->kernel_w); }

/* The window of an output row whose first row is in `slot` of the ring. */
static simd_window_t simd_window(const conv_s8_t *p, const simd_ring_t *ring, int32_t slot, int32_t *runs) {
  const int32_t parts = p->dilation_w == 1 ? 1 : p->kernel_w, length = p->kernel_w / parts * p->in_c;
  const simd_window_t made = {ring->values, runs, simd_num_runs(p), (length + 3) / 4, p->stride_w * p->in_c};
  for (int32_t ky = 0; ky < p->kernel_h; ++ky) {
    for (int32_t part = 0; part < parts; ++part) {
      *runs++ = slot * ring->width + part * p->dilation_w * p->in_c;
    }
    slot += p->dilation_h;
    slot -= slot >= ring->rows ? ring->rows : 0;
  }
  return made;
}

/* Sums of sixteen filters on four or eight pixels, [pixels][16]; the first one's window begins at `at`. Of pixels
   behind the last one sums are made of whatever lies there. */
INLINE void simd_conv_sums(const simd_window_t *window, int32_t at, const int8_t *weights, int32_t *sums,
                           int are_eight) {
  const simd_value_t *const values = window->values + at;
  const ptrdiff_t step = window->step_x;
  const int32_t *const end = window->runs + window->num_runs;
  const int32_t fours = window->fours;
  for (int32_t lane = 0; lane < 16; lane += SIMD_LANES) {
    simd_sums_t s0 = simd_none(), s1 = s0, s2 = s0, s3 = s0, s4 = s0, s5 = s0, s6 = s0, s7 = s0;
    const int8_t *next = weights + 4 * lane;
    for (const int32_t *run = window->runs; run < end; ++run) {
      const simd_value_t *x = values + *run;
      for (int32_t i = 0; i < fours; ++i) {
        const simd_weights_t given = simd_weights(next);
        s0 = simd_dot(s0, given, x);
        s1 = simd_dot(s1, given, x + step);
        s2 = simd_dot(s2, given, x + 2 * step);
        s3 = simd_dot(s3, given, x + 3 * step);
        if (are_eight) {
          const simd_value_t *const y = x + 4 * step;
          s4 = simd_dot(s4, given, y);
          s5 = simd_dot(s5, given, y + step);
          s6 = simd_dot(s6, given, y + 2 * step);
          s7 = simd_dot(s7, given, y + 3 * step);
        }
        x += 4;
        next += 64;
      }
    }
    simd_write(sums + lane, s0);
    simd_write(sums + lane + 16, s1);
    simd_write(sums + lane + 32, s2);
    simd_write(sums + lane + 48, s3);
    if (are_eight) {
      simd_write(sums + lane + 64, s4);
      simd_write(sums + lane + 80, s5);
      simd_write(sums + lane + 96, s6);
      simd_write(sums + lane + 112, s7);
    }
  }
}
NOINLINE static void simd_conv_four(const simd_window_t *window, int32_t at, const int8_t *weights,
                                    int32_t *sums) {
  simd_conv_sums(window, at, weights, sums, 0);
}
NOINLINE static void simd_conv_eight(const simd_window_t *window, int32_t at, const int8_t *weights,
                                     int32_t *sums) {
  simd_conv_sums(window, at, weights, sums, 1);
}

/* All filters on `count` pixels, SIMD_PIXELS at most, from `x` on. */
INLINE void simd_conv_pixels(const conv_s8_t *p, const simd_window_t *window, int32_t x, int32_t count,
                             int8_t *output) {
  const int32_t out_c = p->out_c, padded = (out_c + 15) & ~15, size = window->num_runs * window->fours * 64;
  const simd_scales_t scales = {p->biases + (SIMD_OFFSET != 0 ? padded : 0), p->multipliers, p->shifts,
                              p->out_zero, p->low, p->high};
  const int8_t *weights = (const int8_t *)p->weights;
  const int32_t at = x * window->step_x;
  int32_t sums[128];
  for (int32_t c = 0; c < out_c; c += 16) {
    if (SIMD_PIXELS > 4 && count > 4) {
      simd_conv_eight(window, at, weights, sums);
    } else {
      simd_conv_four(window, at, weights, sums);
    }
    const simd_scale_t scale = simd_scale_at(&scales, c);
    for (int32_t i = 0; i < count; ++i) {
      simd_store(&scales, simd_twice(&scale, simd_load(sums + 16 * i)), output + i * out_c + c, out_c - c);
    }
    weights += size;
  }
}

/* All pixels, with the ADD behind them where there are scales; `made` has room for eight of them then. */
INLINE void simd_conv(const conv_s8_t *p, const int8_t *input, const sum_s8_scales_t *scales, const int8_t *other,
                      int8_t *output, void *scratch) {
  int32_t *const runs = (int32_t *)scratch;
  simd_ring_t ring = simd_ring_begin(p, 1, 7 * p->stride_w * p->in_c, runs + simd_num_runs(p));
  int8_t *const made = (int8_t *)ring.end;
  for (int32_t y = 0; y < p->out_h; ++y) {
    const int32_t slot = simd_ring_advance(&ring, p, input, y);
    const simd_window_t window = simd_window(p, &ring, slot, runs);
    for (int32_t x = 0; x < p->out_w; x += SIMD_PIXELS) {
      const int32_t left = p->out_w - x, count = left < SIMD_PIXELS ? left : SIMD_PIXELS, size = count * p->out_c;
      simd_conv_pixels(p, &window, x, count, scales == NULL ? output : made);
      if (scales != NULL) {
        add_s8_simd_values(scales, made, other, output, size);
        other += size;
      }
      output += size;
    }
  }
}
