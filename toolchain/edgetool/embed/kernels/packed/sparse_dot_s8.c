/* Step over the zeros of a table's entry and add the product of its weight and of the value it meets. */
typedef struct {
  int32_t sum;
  const int8_t *values;
} sparse_dot_t;

INLINE sparse_dot_t sparse_step(sparse_dot_t dot, int32_t entry) {
#if defined(__ARM_FEATURE_DSP)
  int32_t value;
  __asm__("uxtah %[at], %[at], %[entry]\n\t"
          "ldrsb %[value], [%[at]], #1\n\t"
          "smlatb %[sum], %[entry], %[value], %[sum]"
          : [sum] "+&r"(dot.sum), [at] "+&r"(dot.values), [value] "=&r"(value)
          : [entry] "r"(entry)
          : "memory");
#else
  dot.values += entry & 0xFFFF;
  dot.sum += (entry >> 16) * *dot.values++;
#endif
  return dot;
}

/* Sum of products of the weights that `count` codes hold and of the values they meet. */
static int32_t sparse_dot_s8(const uint8_t *codes, int32_t count, const int32_t *table, const int8_t *values) {
  sparse_dot_t dot = {0, values};
  const uint8_t *const end = codes + count, *const fours = codes + (count & ~3);
  for (; codes < fours; codes += 4) {
    dot = sparse_step(dot, table[codes[0]]);
    dot = sparse_step(dot, table[codes[1]]);
    dot = sparse_step(dot, table[codes[2]]);
    dot = sparse_step(dot, table[codes[3]]);
  }
  for (; codes < end; ++codes) {
    dot = sparse_step(dot, table[*codes]);
  }
  return dot.sum;
}
