/* needs: clamp_s8 reciprocal */
/* SOFTMAX over the last axis, by a table of exponentials; output may be the input. */
typedef struct {
  const int32_t *exponentials; /* [256], of every distance from the largest value; 2^31 is one */
  int32_t num_rows, width;
} softmax_s8_t;

static void softmax_s8(const softmax_s8_t *p, const int8_t *input, int8_t *output) {
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
      const int32_t right = shift + 31 - 8;
      const uint32_t steps = right > 31 ? 0u : (share >> right) + ((share >> (right - 1)) & 1u);
      output[i] = clamp_s8((int32_t)steps - 128, INT8_MIN, INT8_MAX);
    }
    input += p->width;
    output += p->width;
  }
}
