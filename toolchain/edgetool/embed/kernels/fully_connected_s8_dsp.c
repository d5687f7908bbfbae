/* needs: sums_dsp clamp_all_s8 fully_connected_s8_type */
/* FULLY_CONNECTED, four outputs at a time. Rows lie in pairs, see sums_dsp, two pairs in turn, filled up with zeros to a
   multiple of four rows and weights; inputs that are no multiple of four are copied and filled up. Every output must
   shift right by 33 or more in all; shifts holds what is beyond 32. */
typedef fully_connected_s8_t fully_connected_s8_dsp_t;

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

static void fully_connected_s8_dsp_row(const fully_connected_s8_t *p, const int8_t *input, int8_t *output) {
  const uint32_t *weights = (const uint32_t *)p->weights;
  const int32_t *biases = p->biases, *multipliers = p->multipliers;
  const int8_t *rights = p->shifts;
  const int32_t depth = (p->num_inputs + 3) & ~3, scale_step = p->scale_step, zero = p->out_zero;
  int8_t *to = output, *const end = output + p->num_outputs;
  while (to < end) {
    int32_t sums[4] = {0, 0, 0, 0};
    for (int32_t k = 0; k < depth; k += PAIR_WEIGHTS) {
      const int32_t left = depth - k, num_weights = left < PAIR_WEIGHTS ? left : PAIR_WEIGHTS;
      fully_connected_s8_dsp_block(weights, input + k, num_weights, sums);
      weights += num_weights;
    }
    for (int32_t i = 0; i < 4 && to < end; ++i) {
      const int32_t upper = (int32_t)(((int64_t)(*biases++ + sums[i]) * *multipliers) >> 32);
      *to++ = (int8_t)dsp_ssat8(dsp_round(upper, *rights, zero));
      multipliers += scale_step;
      rights += scale_step;
    }
  }
  clamp_all_s8(output, p->num_outputs, p->low, p->high);
}

NOINLINE static void fully_connected_s8_dsp(const fully_connected_s8_t *p, const int8_t *input, int8_t *output,
                                            void *scratch) {
  int8_t *const padded = (int8_t *)scratch;
  for (int32_t row = 0; row < p->num_rows; ++row) {
    const int8_t *given = input + row * p->num_inputs;
    if ((p->num_inputs & 3) != 0) {
      memset(padded + (p->num_inputs & ~3), 0, 4);
      memcpy(padded, given, (size_t)p->num_inputs);
      given = padded;
    }
    fully_connected_s8_dsp_row(p, given, output);
    output += p->num_outputs;
  }
}
