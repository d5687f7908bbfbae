/* needs: math */
/* LOG_SOFTMAX over the last axis; output may be the input. */
typedef struct {
  int32_t num_rows, width;
} log_softmax_f32_t;

static void log_softmax_f32(const log_softmax_f32_t *p, const float *input, float *output) {
  for (int32_t row = 0; row < p->num_rows; ++row) {
    float largest = input[0];
    for (int32_t i = 1; i < p->width; ++i) {
      largest = input[i] > largest ? input[i] : largest;
    }
    float sum = expf(input[0] - largest);
    for (int32_t i = 1; i < p->width; ++i) {
      sum += expf(input[i] - largest);
    }
    const float log_sum = logf(sum);
    for (int32_t i = 0; i < p->width; ++i) {
      output[i] = input[i] - largest - log_sum;
    }
    input += p->width;
    output += p->width;
  }
}
