/* needs: sums_dsp */
/* Sums of four rows of weights at once: two pairs in turn, see sums_dsp. */

#if defined(__ARM_FEATURE_DSP)
/* Four weights of both outputs of a pair. */
#define FULLY_CONNECTED_S8_DSP_PAIR(both, first) \
  "ldrd %[w0], %[w1], [%[weights]], #8\n\t" \
  "smlad %[" both "], %[w0], %[even], %[" both "]\n\t" \
  "sxtb16 %[w0], %[w0]\n\t" \
  "smlad %[" first "], %[w0], %[even], %[" first "]\n\t" \
  "smlad %[" both "], %[w1], %[odd], %[" both "]\n\t" \
  "sxtb16 %[w1], %[w1]\n\t" \
  "smlad %[" first "], %[w1], %[odd], %[" first "]\n\t"

#define FULLY_CONNECTED_S8_DSP_FOUR \
  "ldr %[odd], [%[x]], #4\n\t" \
  "sxtb16 %[even], %[odd]\n\t" \
  "sxtb16 %[odd], %[odd], ror #8\n\t" \
  FULLY_CONNECTED_S8_DSP_PAIR("both_0", "first_0") FULLY_CONNECTED_S8_DSP_PAIR("both_1", "first_1")

#define FULLY_CONNECTED_S8_DSP_LOOP(fours, end) \
  __asm__ volatile( \
      "1:\n\t" fours \
      "cmp %[x], %[stop]\n\t" \
      "blo 1b" \
      : [both_0] "+r"(first.both), [first_0] "+r"(first.first), [both_1] "+r"(second.both), \
        [first_1] "+r"(second.first), [weights] "+r"(weights), [x] "+r"(x), [w0] "=&r"(w0), [w1] "=&r"(w1), \
        [even] "=&r"(even), [odd] "=&r"(odd) \
      : [stop] "r"(end) \
      : "cc", "memory")
#endif

/* Add what `depth` weights of four outputs, at most PAIR_WEIGHTS, sum up to. */
NOINLINE static void fully_connected_s8_dsp_block(const uint32_t *weights, const int8_t *x, int32_t depth,
                                                  int32_t *sums) {
  pair_sums_t first = {0, 0}, second = {0, 0};
#if defined(__ARM_FEATURE_DSP)
  uint32_t w0, w1, even, odd;
  const int8_t *const end = x + depth, *const end_sixteen = x + (depth & ~15);
  if (x < end_sixteen) {
    FULLY_CONNECTED_S8_DSP_LOOP(FULLY_CONNECTED_S8_DSP_FOUR FULLY_CONNECTED_S8_DSP_FOUR FULLY_CONNECTED_S8_DSP_FOUR
                                    FULLY_CONNECTED_S8_DSP_FOUR,
                                end_sixteen);
  }
  if (x < end) {
    FULLY_CONNECTED_S8_DSP_LOOP(FULLY_CONNECTED_S8_DSP_FOUR, end);
  }
#else
  for (int32_t k = 0; k < depth; k += 4) {
    const uint32_t word = dsp_load(x + k), even = dsp_even(word), odd = dsp_odd(word);
    first = pair_add(first, weights[0], weights[1], even, odd);
    second = pair_add(second, weights[2], weights[3], even, odd);
    weights += 4;
  }
#endif
  sums[0] += first.first;
  sums[1] += pair_second(first);
  sums[2] += second.first;
  sums[3] += pair_second(second);
}
