/* needs: fully_connected_packed_s8 dsp */
/* FULLY_CONNECTED of weights that are indices of four or five bits into a palette, two outputs at a time. Rows are filled up
   to a multiple of eight weights; of every four, the second and the third have changed places, so that two indices stand
   for the weights of two inputs that are widened together. Inputs that are no multiple of eight are copied and filled up. */
typedef fully_connected_packed_s8_t fully_connected_pairs_s8_dsp_t;

/* Sums of two outputs. */
typedef struct {
  int32_t first, second;
} pairs_sums_t;

/* The two weights that each pair of indices stands for, as halves. */
static void pairs_table(const packed_s8_t *p, uint32_t *table) {
  for (int32_t high = 0; high < p->num_values; ++high) {
    for (int32_t low = 0; low < p->num_values; ++low) {
      table[(high << p->bits) + low] = (uint32_t)(p->values[high] * 65536) | ((uint32_t)p->values[low] & 0xFFFFu);
    }
  }
}

#if defined(__ARM_FEATURE_DSP)
/* Look the pairs at one place of both rows up and multiply. */
#define PAIRS_STEP(shift, width) \
  "ubfx %[t], %[wa], #" shift ", #" width "\n\t" \
  "ubfx %[u], %[wb], #" shift ", #" width "\n\t" \
  "ldr %[t], [%[table], %[t], lsl #2]\n\t" \
  "ldr %[u], [%[table], %[u], lsl #2]\n\t" \
  "smlad %[s0], %[t], %[e], %[s0]\n\t" \
  "smlad %[s1], %[u], %[e], %[s1]\n\t"

/* Eight weights of both rows a turn, in `bytes` bytes: pairs of `width` bits; `third`, `fourth`: where they lie in the word
   two bytes further on. */
#define PAIRS_LOOP(bytes, width, third, fourth) \
  __asm__ volatile( \
      "1:\n\t" \
      "ldr %[wa], [%[a]]\n\t" \
      "ldr %[wb], [%[b]]\n\t" \
      "ldr %[x0], [%[x]], #4\n\t" \
      "sxtb16 %[e], %[x0]\n\t" PAIRS_STEP("0", width) \
      "sxtb16 %[e], %[x0], ror #8\n\t" PAIRS_STEP(width, width) \
      "ldr %[wa], [%[a], #2]\n\t" \
      "ldr %[wb], [%[b], #2]\n\t" \
      "ldr %[x0], [%[x]], #4\n\t" \
      "sxtb16 %[e], %[x0]\n\t" PAIRS_STEP(third, width) \
      "sxtb16 %[e], %[x0], ror #8\n\t" PAIRS_STEP(fourth, width) \
      "adds %[a], %[a], #" bytes "\n\t" \
      "adds %[b], %[b], #" bytes "\n\t" \
      "cmp %[a], %[end]\n\t" \
      "blo 1b" \
      : [s0] "+&r"(s0), [s1] "+&r"(s1), [a] "+&r"(a), [b] "+&r"(b), [x] "+&r"(x), [wa] "=&r"(wa), [wb] "=&r"(wb), \
        [x0] "=&r"(x0), [e] "=&r"(e), [t] "=&r"(t), [u] "=&r"(u) \
      : [table] "r"(table), [end] "r"(end) \
      : "cc", "memory")
#endif

/* Two rows, `a` up to `end`. */
static pairs_sums_t pairs_dot(const uint8_t *a, const uint8_t *end, const uint8_t *b, int32_t bits, const int8_t *x,
                              const uint32_t *table) {
  int32_t s0 = 0, s1 = 0;
#if defined(__ARM_FEATURE_DSP)
  uint32_t wa, wb, x0, e, t, u;
  if (bits == 4) {
    PAIRS_LOOP("4", "8", "0", "8");
  } else {
    PAIRS_LOOP("5", "10", "4", "14");
  }
#else
  const uint32_t mask = ((uint32_t)1 << (2 * bits)) - 1u;
  for (; a < end; a += bits, b += bits, x += 8) {
    for (int32_t half = 0; half < 2; ++half) {
      const uint32_t word = dsp_load(x + 4 * half), even = dsp_even(word), odd = dsp_odd(word);
      const uint32_t wa = packed_word(a + 2 * half) >> (4 * bits * half & 7);
      const uint32_t wb = packed_word(b + 2 * half) >> (4 * bits * half & 7);
      s0 = dsp_smlad(table[wa & mask], even, dsp_smlad(table[wa >> (2 * bits) & mask], odd, s0));
      s1 = dsp_smlad(table[wb & mask], even, dsp_smlad(table[wb >> (2 * bits) & mask], odd, s1));
    }
  }
#endif
  const pairs_sums_t sums = {s0, s1};
  return sums;
}

static void fully_connected_pairs_s8_dsp_row(const fully_connected_packed_s8_t *p, const int8_t *input,
                                             const uint32_t *table, int8_t *output) {
  const int32_t num_outputs = p->layer.num_outputs, stride = ((p->layer.num_inputs + 7) >> 3) * p->packed.bits;
  const uint8_t *codes = (const uint8_t *)p->layer.weights;
  for (int32_t i = 0; i < num_outputs; i += 2) {
    const int has_second = i + 1 < num_outputs;
    const pairs_sums_t sums =
        pairs_dot(codes, codes + stride, has_second ? codes + stride : codes, p->packed.bits, input, table);
    output[i] = fully_connected_packed_s8_output(p, i, sums.first);
    if (has_second) {
      output[i + 1] = fully_connected_packed_s8_output(p, i + 1, sums.second);
    }
    codes += 2 * stride;
  }
}

NOINLINE static void fully_connected_pairs_s8_dsp(const fully_connected_packed_s8_t *p, const int8_t *input,
                                                  int8_t *output, void *scratch) {
  uint32_t *const table = (uint32_t *)scratch;
  int8_t *const padded = (int8_t *)(table + ((size_t)1 << (2 * p->packed.bits)));
  const int32_t num_inputs = p->layer.num_inputs;
  pairs_table(&p->packed, table);
  for (int32_t row = 0; row < p->layer.num_rows; ++row) {
    const int8_t *given = input + row * num_inputs;
    if ((num_inputs & 7) != 0) {
      memset(padded + (num_inputs & ~7), 0, 8);
      memcpy(padded, given, (size_t)num_inputs);
      given = padded;
    }
    fully_connected_pairs_s8_dsp_row(p, given, table, output + row * p->layer.num_outputs);
  }
}
