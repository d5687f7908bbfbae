/* needs: columns_dsp conv_s8_columns sums_dsp rescale_down clamp_all_s8 */
/* CONV_2D, two pixels and two filters at a time. Filters lie in pairs, see sums_dsp, filled up with zeros to a multiple of
   four weights; biases are doubled. Every channel must shift right by 1 or more. Output may be the input where the
   window is one pixel and a pixel does not grow. */
typedef conv_s8_t conv_s8_dsp_t;

/* Sizes of patches, in halves. */
INLINE conv_s8_sizes_t conv_s8_dsp_sizes(const conv_s8_t *p, int apart) {
  return conv_s8_sizes(p, (p->kernel_h * p->in_c + 1) & ~1, 4, apart);
}

/* Sums of two filters on two pixels. */
typedef struct {
  pair_sums_t a, b;
} conv_s8_dsp_sums_t;

#if defined(__ARM_FEATURE_DSP)
/* Four weights of both filters on both pixels. */
#define CONV_S8_DSP_FOUR \
  "ldrd r8, r9, [%[weights]], #8\n\t" \
  "ldrd r12, lr, [%[a]], #8\n\t" \
  "sxtb16 r10, r8\n\t" \
  "sxtb16 r11, r9\n\t" \
  "smlad %[both_a], r8, r12, %[both_a]\n\t" \
  "smlad %[first_a], r10, r12, %[first_a]\n\t" \
  "smlad %[both_a], r9, lr, %[both_a]\n\t" \
  "smlad %[first_a], r11, lr, %[first_a]\n\t" \
  "ldrd r12, lr, [%[b]], #8\n\t" \
  "smlad %[both_b], r8, r12, %[both_b]\n\t" \
  "smlad %[first_b], r10, r12, %[first_b]\n\t" \
  "smlad %[both_b], r9, lr, %[both_b]\n\t" \
  "smlad %[first_b], r11, lr, %[first_b]\n\t"

#define CONV_S8_DSP_SIXTEEN CONV_S8_DSP_FOUR CONV_S8_DSP_FOUR CONV_S8_DSP_FOUR CONV_S8_DSP_FOUR

/* Sum `weights`, which then stands behind them, up to `stop`, `weights_at_once` as long as they are whole. That takes all
   registers but r7, which may be the frame's: they are named, so that every compiler finds them, and where to stop lies
   on the stack. */
#define CONV_S8_DSP_SUM(sums, start_a, start_b, stop_at_once, stop, weights_at_once) \
  do { \
    register const uint32_t *w_ __asm__("r0") = weights; \
    register const int16_t *a_ __asm__("r1") = (start_a), *b_ __asm__("r2") = (start_b); \
    register int32_t both_a_ __asm__("r3") = 0, first_a_ __asm__("r4") = 0; \
    register int32_t both_b_ __asm__("r5") = 0, first_b_ __asm__("r6") = 0; \
    register const int16_t *first_ __asm__("r8") = (stop_at_once), *last_ __asm__("r9") = (stop); \
    __asm__ volatile( \
        "push {r8, r9}\n\t" \
        "cmp %[a], r8\n\t" \
        "bhs 2f\n" \
        "1:\n\t" weights_at_once \
        "ldr r12, [sp]\n\t" \
        "cmp %[a], r12\n\t" \
        "blo 1b\n" \
        "2:\n\t" \
        "ldr r12, [sp, #4]\n\t" \
        "cmp %[a], r12\n\t" \
        "bhs 4f\n" \
        "3:\n\t" CONV_S8_DSP_FOUR \
        "ldr r12, [sp, #4]\n\t" \
        "cmp %[a], r12\n\t" \
        "blo 3b\n" \
        "4:\n\t" \
        "add sp, sp, #8" \
        : [weights] "+r"(w_), [a] "+r"(a_), [b] "+r"(b_), [both_a] "+r"(both_a_), [first_a] "+r"(first_a_), \
          [both_b] "+r"(both_b_), [first_b] "+r"(first_b_), "+r"(first_), "+r"(last_) \
        : \
        : "r10", "r11", "r12", "lr", "cc", "memory"); \
    weights = w_; \
    (sums).a.both = both_a_; \
    (sums).a.first = first_a_; \
    (sums).b.both = both_b_; \
    (sums).b.first = first_b_; \
  } while (0)
#endif

/* Sums of the weights behind the first PAIR_WEIGHTS. */
NOINLINE static conv_s8_dsp_sums_t conv_s8_dsp_part(const uint32_t *weights, const int16_t *a, const int16_t *b,
                                                    const int16_t *end) {
  conv_s8_dsp_sums_t sums = {{0, 0}, {0, 0}};
#if defined(__ARM_FEATURE_DSP)
  CONV_S8_DSP_SUM(sums, a, b, a, end, "");
#else
  for (; a < end; a += 4) {
    sums.a = pair_add(sums.a, weights[0], weights[1], dsp_halves(a), dsp_halves(a + 2));
    sums.b = pair_add(sums.b, weights[0], weights[1], dsp_halves(b), dsp_halves(b + 2));
    weights += 2;
    b += 4;
  }
#endif
  return sums;
}

/* All filters on two pixels; the second is left out where `count` is 1. */
NOINLINE static void conv_s8_dsp_filters(const conv_s8_t *p, const int16_t *columns, const conv_s8_sizes_t *sizes,
                                         int8_t *output, int32_t count) {
  const int32_t zero = p->out_zero, depth = sizes->depth, second = count > 1 ? p->out_c : 0;
  const int32_t num_first = depth < PAIR_WEIGHTS ? depth : PAIR_WEIGHTS;
  const uint32_t *weights = (const uint32_t *)p->weights;
  const int32_t *biases = p->biases, *multipliers = p->multipliers;
  const int8_t *rights = p->shifts;
  const int16_t *const start_b = columns + sizes->second;
  const int16_t *const first_end = columns + num_first, *const end_sixteen = columns + (num_first & ~15);
  int8_t *to = output, *const end = output + p->out_c;
  while (to < end) {
    conv_s8_dsp_sums_t sums;
#if defined(__ARM_FEATURE_DSP)
    CONV_S8_DSP_SUM(sums, columns, start_b, end_sixteen, first_end, CONV_S8_DSP_SIXTEEN);
#else
    (void)end_sixteen;
    sums = conv_s8_dsp_part(weights, columns, start_b, first_end);
    weights += num_first / 2;
#endif
    int32_t a0 = biases[0] + sums.a.first * 2, a1 = biases[1] + pair_second_twice(sums.a);
    int32_t b0 = biases[0] + sums.b.first * 2, b1 = biases[1] + pair_second_twice(sums.b);
    for (int32_t k = PAIR_WEIGHTS; k < depth; k += PAIR_WEIGHTS) {
      const int32_t num_weights = depth - k < PAIR_WEIGHTS ? depth - k : PAIR_WEIGHTS;
      sums = conv_s8_dsp_part(weights, columns + k, start_b + k, columns + k + num_weights);
      a0 += sums.a.first * 2;
      a1 += pair_second_twice(sums.a);
      b0 += sums.b.first * 2;
      b1 += pair_second_twice(sums.b);
      weights += num_weights / 2;
    }
    const int32_t multiplier_0 = multipliers[0], multiplier_1 = multipliers[1];
    const int32_t right_0 = rights[0], right_1 = rights[1];
    biases += 2;
    multipliers += 2;
    rights += 2;
    to[second] = rescale_doubled(b0, multiplier_0, right_0, zero); /* pixel 0 is written after it */
    *to++ = rescale_doubled(a0, multiplier_0, right_0, zero);
    if (to < end) {
      to[second] = rescale_doubled(b1, multiplier_1, right_1, zero);
      *to++ = rescale_doubled(a1, multiplier_1, right_1, zero);
    }
  }
  clamp_all_s8(output, count * p->out_c, p->low, p->high);
}

NOINLINE static void conv_s8_dsp(const conv_s8_t *p, const int8_t *input, int8_t *output, void *scratch) {
  const conv_s8_sizes_t sizes = conv_s8_dsp_sizes(p, 0);
  int16_t *const columns = (int16_t *)scratch;
  memset(columns, 0, (size_t)(sizes.second + sizes.depth) * sizeof *columns);
  for (int32_t y = 0; y < p->out_h; ++y) {
    for (int32_t x = 0; x < p->out_w; x += 2) {
      const int32_t count = x + 1 < p->out_w ? 2 : 1;
      conv_s8_gather(p, input, y, x, count, &sizes, columns);
      conv_s8_dsp_filters(p, columns, &sizes, output, count);
      output += count * p->out_c;
    }
  }
}
