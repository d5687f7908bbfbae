/* needs: clamp_s8 */
/* SOFTMAX over the last axis, by a table of exponentials; output may be the input. */
typedef struct {
  const float *exponentials; /* [256], of every distance from the largest value */
  int32_t num_rows, width;
} softmax_s8_t;

static void softmax_s8(const softmax_s8_t *p, const int8_t *input, int8_t *output) {
  for (int32_t row = 0; row < p->num_rows; ++row) {
    int32_t largest = INT8_MIN;
    for (int32_t i = 0; i < p->width; ++i) {
      largest = input[i] > largest ? input[i] : largest;
    }
    float sum = 0.0f;
    for (int32_t i = 0; i < p->width; ++i) {
      sum += p->exponentials[largest - input[i]];
    }
    const float factor = 1.0f / (sum * (1.0f / 256.0f));
    for (int32_t i = 0; i < p->width; ++i) {
      const int32_t steps = (int32_t)(p->exponentials[largest - input[i]] * factor + 0.5f);
      output[i] = clamp_s8(steps - 128, INT8_MIN, INT8_MAX);
    }
    input += p->width;
    output += p->width;
  }
}
