/* needs: conv_s8_patch dsp rescale_down */
/* CONV_2D, two pixels and two filters at a time. Filters lie in pairs, a word of four weights of the one, then of the
   other; each is filled up with zeros to a multiple of four weights. Every channel must shift right by 1 or more.
   Output may be the input where the window is one pixel and a pixel does not grow. */
typedef conv_s8_t conv_s8_dsp_t;

/* Widen the patches of two pixels into one buffer: two words of the one, two of the other, and so on. */
static void conv_s8_dsp_widen(const int8_t *patch, uint32_t *halves, int32_t depth) {
  for (int32_t i = 0; i < depth; i += 4) {
    const uint32_t word = dsp_load(patch + i);
    halves[0] = dsp_even(word);
    halves[1] = dsp_odd(word);
    halves += 4;
  }
}

/* Gather the patches of output pixels `first` and, where `count` is 2, the next one. */
static void conv_s8_dsp_gather(const conv_s8_t *p, const int8_t *input, int32_t y, int32_t x, int32_t count,
                               int8_t *patch, int32_t depth, uint32_t *halves) {
  const int32_t top = y * p->stride_h - p->pad_top;
  for (int32_t i = 0; i < count; ++i) {
    conv_s8_patch(p, input, top, (x + i) * p->stride_w - p->pad_left, patch);
    conv_s8_dsp_widen(patch, halves + 2 * i, depth);
  }
}

/* Sums of two filters on two pixels. */
typedef struct {
  int32_t s00, s01, s10, s11; /* filter, pixel */
} conv_s8_dsp_sums_t;

INLINE conv_s8_dsp_sums_t conv_s8_dsp_block(const uint32_t *weights, const uint32_t *x, const uint32_t *end,
                                                   int32_t bias_0, int32_t bias_1) {
  int32_t s00 = bias_0, s01 = bias_0, s10 = bias_1, s11 = bias_1;
#if defined(__ARM_FEATURE_DSP)
  uint32_t w0, w1, even_0, even_1, x0, x1;
  __asm__ volatile(
      "1:\n\t"
      "ldrd %[w0], %[w1], [%[weights]], #8\n\t"
      "ldrd %[x0], %[x1], [%[x]], #8\n\t"
      "sxtb16 %[even_0], %[w0]\n\t"
      "sxtb16 %[w0], %[w0], ror #8\n\t"
      "sxtb16 %[even_1], %[w1]\n\t"
      "sxtb16 %[w1], %[w1], ror #8\n\t"
      "smlad %[s00], %[even_0], %[x0], %[s00]\n\t"
      "smlad %[s10], %[even_1], %[x0], %[s10]\n\t"
      "smlad %[s00], %[w0], %[x1], %[s00]\n\t"
      "smlad %[s10], %[w1], %[x1], %[s10]\n\t"
      "ldrd %[x0], %[x1], [%[x]], #8\n\t"
      "smlad %[s01], %[even_0], %[x0], %[s01]\n\t"
      "smlad %[s11], %[even_1], %[x0], %[s11]\n\t"
      "smlad %[s01], %[w0], %[x1], %[s01]\n\t"
      "smlad %[s11], %[w1], %[x1], %[s11]\n\t"
      "cmp %[x], %[end]\n\t"
      "blo 1b"
      : [s00] "+r"(s00), [s01] "+r"(s01), [s10] "+r"(s10), [s11] "+r"(s11), [weights] "+r"(weights), [x] "+r"(x),
        [w0] "=&r"(w0), [w1] "=&r"(w1), [even_0] "=&r"(even_0), [even_1] "=&r"(even_1), [x0] "=&r"(x0), [x1] "=&r"(x1)
      : [end] "r"(end)
      : "cc", "memory");
#else
  do {
    const uint32_t w0 = weights[0], w1 = weights[1];
    const uint32_t a0 = x[0], a1 = x[1], b0 = x[2], b1 = x[3];
    const uint32_t even_0 = dsp_even(w0), odd_0 = dsp_odd(w0), even_1 = dsp_even(w1), odd_1 = dsp_odd(w1);
    s00 = dsp_smlad(even_0, a0, s00);
    s01 = dsp_smlad(even_0, b0, s01);
    s10 = dsp_smlad(even_1, a0, s10);
    s11 = dsp_smlad(even_1, b0, s11);
    s00 = dsp_smlad(odd_0, a1, s00);
    s01 = dsp_smlad(odd_0, b1, s01);
    s10 = dsp_smlad(odd_1, a1, s10);
    s11 = dsp_smlad(odd_1, b1, s11);
    weights += 2;
    x += 4;
  } while (x < end);
#endif
  const conv_s8_dsp_sums_t sums = {s00, s01, s10, s11};
  return sums;
}

/* All filters on two pixels; the second is left out where `count` is 1. */
NOINLINE static void conv_s8_dsp_filters(const conv_s8_t *p, const uint32_t *halves, int32_t depth, int8_t *output,
                                         int32_t count) {
  const output_scale_t scale = {p->multipliers, p->shifts, p->out_zero, p->low, p->high};
  const int32_t *const biases = p->biases;
  const int32_t out_c = p->out_c, last = out_c - 1;
  const uint32_t *weights = (const uint32_t *)p->weights;
  int8_t *const second = count > 1 ? output + out_c : output; /* pixel 0 is written after it */
  int32_t c = 0;
  for (; c < last; c += 2) {
    const conv_s8_dsp_sums_t sums = conv_s8_dsp_block(weights, halves, halves + depth, biases[c], biases[c + 1]);
    second[c] = rescale_down(scale, sums.s01, c);
    second[c + 1] = rescale_down(scale, sums.s11, c + 1);
    output[c] = rescale_down(scale, sums.s00, c);
    output[c + 1] = rescale_down(scale, sums.s10, c + 1);
    weights += depth / 2;
  }
  if (c == last) {
    const conv_s8_dsp_sums_t sums = conv_s8_dsp_block(weights, halves, halves + depth, biases[c], biases[c]);
    second[c] = rescale_down(scale, sums.s01, c);
    output[c] = rescale_down(scale, sums.s00, c);
  }
}

NOINLINE static void conv_s8_dsp(const conv_s8_t *p, const int8_t *input, int8_t *output, void *scratch) {
  const int32_t depth = (p->kernel_h * p->kernel_w * p->in_c + 3) & ~3;
  uint32_t *const halves = (uint32_t *)scratch;
  int8_t *const patch = (int8_t *)(halves + depth);
  memset(patch, 0, (size_t)depth);
  for (int32_t y = 0; y < p->out_h; ++y) {
    for (int32_t x = 0; x < p->out_w; x += 2) {
      const int32_t count = x + 1 < p->out_w ? 2 : 1;
      conv_s8_dsp_gather(p, input, y, x, count, patch, depth, halves);
      conv_s8_dsp_filters(p, halves, depth, output, count);
      output += count * p->out_c;
    }
  }
}
