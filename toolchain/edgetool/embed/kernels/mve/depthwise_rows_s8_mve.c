/* needs: depthwise_ring mve */
/* DEPTHWISE_CONV_2D as depthwise_rows_s8, with Helium, sixteen channels at a time: weights lie as [out_c / 16][kernel_h]
   [kernel_w][16], none is -128. Products of two taps are summed in 16 bits, even channels and odd ones apart, and then
   widened, so that of every sixteen biases and scales those of channels 0, 4, 8, 12 come first, then those of 2, of 1 and
   of 3. What is read behind the last channel does not count. */
typedef depthwise_conv_s8_t depthwise_rows_s8_mve_t;

#if defined(__ARM_FEATURE_MVE)
/* Sums of sixteen channels. */
typedef struct {
  int32x4_t even_0, even_1, odd_0, odd_1;
} depthwise_rows_s8_mve_sums_t;

/* Widen products, even channels and odd ones, and add them. */
#define DEPTHWISE_ROWS_S8_MVE_ADD \
  "vmovlb.s16 %q[x], %q[even]\n\t" \
  "vadd.i32 %q[even_0], %q[even_0], %q[x]\n\t" \
  "vmovlt.s16 %q[even], %q[even]\n\t" \
  "vadd.i32 %q[even_1], %q[even_1], %q[even]\n\t" \
  "vmovlb.s16 %q[x], %q[odd]\n\t" \
  "vadd.i32 %q[odd_0], %q[odd_0], %q[x]\n\t" \
  "vmovlt.s16 %q[odd], %q[odd]\n\t" \
  "vadd.i32 %q[odd_1], %q[odd_1], %q[odd]\n\t"

/* One row of the window, two taps at a time; the second pixel is read twice for want of a register. */
INLINE void depthwise_rows_s8_mve_row(depthwise_rows_s8_mve_sums_t *sums, const int8_t *weights, const int8_t *pixel,
                                      int32_t out_c, int32_t kernel_w) {
  int8x16_t w, x, even, odd;
  __asm__ volatile(
      "wls lr, %[pairs], 2f\n"
      "1:\n\t"
      "vldrb.8 %q[odd], [%[weights]], #16\n\t"
      "vldrb.8 %q[x], [%[pixel]]\n\t"
      "vmullb.s8 %q[even], %q[odd], %q[x]\n\t"
      "add %[pixel], %[pixel], %[out_c]\n\t"
      "vmullt.s8 %q[odd], %q[odd], %q[x]\n\t"
      "vldrb.8 %q[w], [%[weights]], #16\n\t"
      "vldrb.8 %q[x], [%[pixel]]\n\t"
      "vmullb.s8 %q[x], %q[w], %q[x]\n\t"
      "vadd.i16 %q[even], %q[even], %q[x]\n\t"
      "vldrb.8 %q[x], [%[pixel]]\n\t"
      "vmullt.s8 %q[x], %q[w], %q[x]\n\t"
      "add %[pixel], %[pixel], %[out_c]\n\t"
      "vadd.i16 %q[odd], %q[odd], %q[x]\n\t" DEPTHWISE_ROWS_S8_MVE_ADD
      "le lr, 1b\n"
      "2:\n\t"
      "lsls lr, %[kernel_w], #31\n\t"
      "beq 3f\n\t"
      "vldrb.8 %q[odd], [%[weights]]\n\t"
      "vldrb.8 %q[x], [%[pixel]]\n\t"
      "vmullb.s8 %q[even], %q[odd], %q[x]\n\t"
      "vmullt.s8 %q[odd], %q[odd], %q[x]\n\t" DEPTHWISE_ROWS_S8_MVE_ADD
      "3:"
      : [even_0] "+w"(sums->even_0), [even_1] "+w"(sums->even_1), [odd_0] "+w"(sums->odd_0),
        [odd_1] "+w"(sums->odd_1), [w] "=&w"(w), [x] "=&w"(x), [even] "=&w"(even), [odd] "=&w"(odd),
        [weights] "+r"(weights), [pixel] "+r"(pixel)
      : [out_c] "r"(out_c), [pairs] "r"(kernel_w / 2), [kernel_w] "r"(kernel_w)
      : "lr", "cc", "memory");
}

/* Four channels, rounded twice as by rescale_twice. */
INLINE int32x4_t depthwise_rows_s8_mve_rescale(const depthwise_conv_s8_t *p, int32x4_t sums, int32_t at) {
  const int32x4_t high = vqrdmulhq_s32(sums, vldrwq_s32(p->multipliers + at));
  return vrshlq_s32(vaddq_s32(high, vshrq_n_s32(high, 31)), vnegq_s32(vldrbq_s32(p->shifts + at)));
}

INLINE void depthwise_rows_s8_mve_store(const depthwise_conv_s8_t *p, const depthwise_rows_s8_mve_sums_t *sums,
                                        int32_t c, int8_t *output) {
  int16x8_t even = vuninitializedq_s16(), odd = vuninitializedq_s16();
  int8x16_t values = vuninitializedq_s8();
  even = vqmovnbq_s32(even, depthwise_rows_s8_mve_rescale(p, sums->even_0, c));
  even = vqmovntq_s32(even, depthwise_rows_s8_mve_rescale(p, sums->even_1, c + 4));
  odd = vqmovnbq_s32(odd, depthwise_rows_s8_mve_rescale(p, sums->odd_0, c + 8));
  odd = vqmovntq_s32(odd, depthwise_rows_s8_mve_rescale(p, sums->odd_1, c + 12));
  values = vqmovnbq_s16(values, vqaddq_n_s16(even, (int16_t)p->out_zero));
  values = vqmovntq_s16(values, vqaddq_n_s16(odd, (int16_t)p->out_zero));
  values = vminq_s8(vmaxq_s8(values, vdupq_n_s8((int8_t)p->low)), vdupq_n_s8((int8_t)p->high));
  if (p->out_c - c >= 16) {
    vstrbq_s8(output, values);
  } else {
    vstrbq_p_s8(output, values, vctp8q((uint32_t)(p->out_c - c)));
  }
}

/* Sixteen channels from `c` on of one output pixel; rows[ky] is where the window's row begins in the ring. */
INLINE void depthwise_rows_s8_mve_channels(const depthwise_conv_s8_t *p, const int8_t *weights,
                                           const int8_t *const *rows, int32_t offset, int32_t c, int8_t *output) {
  const int32_t *const biases = p->biases + c;
  const int32_t out_c = p->out_c, kernel_h = p->kernel_h, kernel_w = p->kernel_w;
  depthwise_rows_s8_mve_sums_t sums = {vldrwq_s32(biases), vldrwq_s32(biases + 4), vldrwq_s32(biases + 8),
                                       vldrwq_s32(biases + 12)};
  for (const int8_t *const *const end = rows + kernel_h; rows < end; ++rows) {
    depthwise_rows_s8_mve_row(&sums, weights, *rows + offset, out_c, kernel_w);
    weights += 16 * kernel_w;
  }
  depthwise_rows_s8_mve_store(p, &sums, c, output);
}
#else
INLINE void depthwise_rows_s8_mve_channels(const depthwise_conv_s8_t *p, const int8_t *weights,
                                           const int8_t *const *rows, int32_t offset, int32_t c, int8_t *output) {
  static const int8_t firsts[4] = {0, 8, 4, 12};
  for (int32_t j = 0; j < 16 && c + j < p->out_c; ++j) {
    const int32_t at = c + firsts[j & 3] + j / 4;
    int32_t sum = p->biases[at];
    for (int32_t tap = 0; tap < p->kernel_h * p->kernel_w; ++tap) {
      const int32_t ky = tap / p->kernel_w, kx = tap % p->kernel_w;
      sum += (int32_t)weights[16 * tap + j] * rows[ky][offset + kx * p->out_c + j];
    }
    const int32_t high = mve_high(sum, p->multipliers[at]);
    const int32_t value = mve_round(high - (int32_t)(high < 0), p->shifts[at]) + p->out_zero;
    output[j] = (int8_t)(value < p->low ? p->low : (value > p->high ? p->high : value));
  }
}
#endif

/* All channels of one output pixel. */
NOINLINE static void depthwise_rows_s8_mve_pixel(const depthwise_conv_s8_t *p, const int8_t *const *rows,
                                                 int32_t offset, int8_t *output) {
  const int8_t *weights = (const int8_t *)p->weights;
  for (int32_t c = 0; c < p->out_c; c += 16) {
    depthwise_rows_s8_mve_channels(p, weights, rows, offset + c, c, output + c);
    weights += 16 * p->kernel_h * p->kernel_w;
  }
}

NOINLINE static void depthwise_rows_s8_mve(const depthwise_conv_s8_t *p, const int8_t *input, int8_t *output,
                                           void *scratch) {
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
