/* needs: fully_connected_packed_s8 */
/* FULLY_CONNECTED of weights that are indices into a palette; the codes of each row begin at a byte. */
typedef fully_connected_packed_s8_t fully_connected_palette_s8_t;

/* Sum of products of up to eight weights, whose indices lie in `bits` bytes. */
INLINE int32_t palette_eight(const uint8_t *codes, const int8_t *values, int32_t bits, const int8_t *input,
                             int32_t count) {
  const uint32_t mask = ((uint32_t)1 << bits) - 1u;
  uint32_t low = packed_word(codes), high = packed_word(codes + bits / 2) >> (4 * bits & 7);
  int32_t sum = 0;
  for (int32_t j = 0; j < 4 && j < count; ++j) {
    sum += (int32_t)values[low & mask] * input[j];
    low >>= bits;
  }
  for (int32_t j = 4; j < count; ++j) {
    sum += (int32_t)values[high & mask] * input[j];
    high >>= bits;
  }
  return sum;
}

NOINLINE static void fully_connected_palette_s8(const fully_connected_packed_s8_t *p, const int8_t *input,
                                                int8_t *output) {
  const int8_t *const values = p->packed.values;
  const int32_t bits = p->packed.bits, num_inputs = p->layer.num_inputs;
  for (int32_t row = 0; row < p->layer.num_rows; ++row) {
    const uint8_t *codes = (const uint8_t *)p->layer.weights;
    for (int32_t i = 0; i < p->layer.num_outputs; ++i) {
      int32_t sum = 0, k = 0;
      for (; k + 8 <= num_inputs; k += 8) {
        sum += palette_eight(codes, values, bits, input + k, 8);
        codes += bits;
      }
      if (k < num_inputs) {
        sum += palette_eight(codes, values, bits, input + k, num_inputs - k);
        codes += bits;
      }
      *output++ = fully_connected_packed_s8_output(p, i, sum);
    }
    input += num_inputs;
  }
}
