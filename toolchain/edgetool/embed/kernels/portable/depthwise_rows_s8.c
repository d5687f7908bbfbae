/* needs: depthwise_ring rescale_down clamp_all_s8 */
/* DEPTHWISE_CONV_2D with one output a channel, four channels at a time, over a ring of rows, so that output may be the
   input where strides are 1 and no size changes. Weights lie by fours of channels, [out_c / 4][kernel_h][kernel_w][4]. */
typedef depthwise_conv_s8_t depthwise_rows_s8_t;

#if defined(__ARM_FEATURE_DSP)
/* Add the values of four channels at one place of the window, times their weights. */
#define DEPTHWISE_ROWS_S8_TAP(place) \
  "ldr r10, [%[weights]], #4\n\t" \
  "ldr r11, [r9" place "]\n\t" \
  "sxtb16 r12, r10\n\t" \
  "sxtb16 lr, r11\n\t" \
  "sxtb16 r10, r10, ror #8\n\t" \
  "sxtb16 r11, r11, ror #8\n\t" \
  "smlabb %[s0], r12, lr, %[s0]\n\t" \
  "smlatt %[s2], r12, lr, %[s2]\n\t" \
  "smlabb %[s1], r10, r11, %[s1]\n\t" \
  "smlatt %[s3], r10, r11, %[s3]\n\t"

#define DEPTHWISE_ROWS_S8_ROW(place) \
  "ldr r9, [%[rows]" place "]\n\t" \
  "add r9, r9, %[offset]\n\t" DEPTHWISE_ROWS_S8_TAP("") DEPTHWISE_ROWS_S8_TAP(", %[step]") \
      DEPTHWISE_ROWS_S8_TAP(", %[step], lsl #1")

/* A window of three rows of three; returns what stands behind its weights. That takes all registers but r7, see
   conv_s8_dsp. */
INLINE const int8_t *depthwise_rows_s8_nine(const int8_t *weights, const int8_t *const *rows, int32_t offset,
                                            int32_t out_c, int32_t *sums) {
  register const int8_t *const *rows_ __asm__("r0") = rows;
  register const int8_t *weights_ __asm__("r1") = weights;
  register int32_t offset_ __asm__("r2") = offset, step_ __asm__("r3") = out_c;
  register int32_t s0 __asm__("r4") = sums[0], s1 __asm__("r5") = sums[1];
  register int32_t s2 __asm__("r6") = sums[2], s3 __asm__("r8") = sums[3];
  __asm__ volatile(DEPTHWISE_ROWS_S8_ROW("") DEPTHWISE_ROWS_S8_ROW(", #4") DEPTHWISE_ROWS_S8_ROW(", #8")
                   : [s0] "+r"(s0), [s1] "+r"(s1), [s2] "+r"(s2), [s3] "+r"(s3), [weights] "+r"(weights_)
                   : [rows] "r"(rows_), [step] "r"(step_), [offset] "r"(offset_)
                   : "r9", "r10", "r11", "r12", "lr", "cc", "memory");
  sums[0] = s0;
  sums[1] = s1;
  sums[2] = s2;
  sums[3] = s3;
  return weights_;
}
#endif

/* Any window. */
INLINE const int8_t *depthwise_rows_s8_any(const depthwise_conv_s8_t *p, const int8_t *weights,
                                           const int8_t *const *rows, int32_t offset, int32_t *sums) {
  for (const int8_t *const *const end = rows + p->kernel_h; rows < end; ++rows) {
    const int8_t *pixel = *rows + offset;
    for (int32_t kx = 0; kx < p->kernel_w; ++kx) {
      const uint32_t w = dsp_load(weights), x = dsp_load(pixel);
      const uint32_t w_even = dsp_even(w), x_even = dsp_even(x), w_odd = dsp_odd(w), x_odd = dsp_odd(x);
      sums[0] = dsp_low(w_even, x_even, sums[0]);
      sums[2] = dsp_high(w_even, x_even, sums[2]);
      sums[1] = dsp_low(w_odd, x_odd, sums[1]);
      sums[3] = dsp_high(w_odd, x_odd, sums[3]);
      weights += 4;
      pixel += p->out_c;
    }
  }
  return weights;
}

/* All channels of one output pixel; rows[ky] is where the window's row begins in the ring. */
NOINLINE static void depthwise_rows_s8_pixel(const depthwise_conv_s8_t *p, const int8_t *const *rows, int32_t offset,
                                             int8_t *output) {
  const int32_t out_c = p->out_c, zero = p->out_zero;
  const int is_nine = p->kernel_h == 3 && p->kernel_w == 3;
  const int8_t *weights = (const int8_t *)p->weights, *rights = p->shifts;
  const int32_t *biases = p->biases, *multipliers = p->multipliers;
  for (int8_t *const end = output + out_c; output < end; output += 4) {
    int32_t sums[4] = {biases[0], biases[1], biases[2], biases[3]};
#if defined(__ARM_FEATURE_DSP)
    weights = is_nine ? depthwise_rows_s8_nine(weights, rows, offset, out_c, sums)
                      : depthwise_rows_s8_any(p, weights, rows, offset, sums);
#else
    (void)is_nine;
    weights = depthwise_rows_s8_any(p, weights, rows, offset, sums);
#endif
    for (int32_t i = 0; i < 4; ++i) {
      output[i] = rescale_doubled(sums[i] * 2, multipliers[i], rights[i], zero);
    }
    biases += 4;
    multipliers += 4;
    rights += 4;
    offset += 4;
  }
}

NOINLINE static void depthwise_rows_s8(const depthwise_conv_s8_t *p, const int8_t *input, int8_t *output,
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
      depthwise_rows_s8_pixel(p, rows, x * p->stride_w * p->in_c, output);
      output += p->out_c;
    }
    clamp_all_s8(output - p->out_w * p->out_c, p->out_w * p->out_c, p->low, p->high);
  }
}
