/* Weights as codes. A palette: indices of `bits` bits into values, eight in `bits` bytes, the first lowest. Sparse: a byte
   for each weight that is not zero and the zeros before it; value v has spans[v] codes, for 0, 1, ... zeros. Value 0 is
   0: its codes step over zeros. */
typedef struct {
  const int8_t *values;
  const uint8_t *spans;
  const int32_t *counts; /* of a sparse part's codes */
  int32_t num_values;
  int32_t bits; /* 0: sparse */
} packed_s8_t;

/* Four bytes, the first lowest. */
INLINE uint32_t packed_word(const uint8_t *bytes) {
  return bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

/* What the codes of sparse weights mean, [256]: zeros in the low half, the weight in the high one. Every span is above 0. */
INLINE void packed_table(const packed_s8_t *p, int32_t *table) {
  int32_t zeros = 0;
  /* One loop: nested ones GCC 12 vectorises for Armv8.1-M with branches that are out of range. */
  for (int32_t v = 0; v < p->num_values;) {
    *table++ = p->values[v] * 65536 + zeros;
    ++zeros;
    if (zeros == p->spans[v]) {
      zeros = 0;
      ++v;
    }
  }
}
