/* needs: clamp_s16 reciprocal */
/* SOFTMAX of 8 bits to 16 over the last axis, by a table of exponentials. */
typedef struct {
  const int32_t *exponentials; /* [256], of every distance from the largest value; 2^31 is one */
  int32_t num_rows, width;
} softmax_s8_s16_t;

static void softmax_s8_s16(const softmax_s8_s16_t *p, const int8_t *input, int16_t *output) {
  for (int32_t row = 0; row < p->num_rows; ++row) {
    int32_t largest = INT8_MIN;
    for (int32_t i = 0; i < p->width; ++i) {
      largest = input[i] > largest ? input[i] : largest;
    }
    int32_t sum = 0; /* 12 integer bits */
    for (int32_t i = 0; i < p->width; ++i) {
      const int32_t value = p->exponentials[largest - input[i]];
      sum += (value >> 12) + ((value >> 11) & 1);
    }
    int32_t shift;
    const int32_t factor = reciprocal(sum, 12, &shift);
    for (int32_t i = 0; i < p->width; ++i) {
      const uint32_t share = (uint32_t)multiply_high(factor, p->exponentials[largest - input[i]]);
      const int32_t right = shift + 31 - 16;
      const uint32_t steps = right > 31 ? 0u : (share >> right) + ((share >> (right - 1)) & 1u);
      output[i] = clamp_s16((int32_t)steps - 32768, INT16_MIN, INT16_MAX);
    }
    input += p->width;
    output += p->width;
  }
}
