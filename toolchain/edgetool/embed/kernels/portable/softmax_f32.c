/* needs: math */
/* SOFTMAX over the last axis; output may be the input. */
typedef struct {
  int32_t num_rows, width;
  float beta;
} softmax_f32_t;

static void softmax_f32(const softmax_f32_t *p, const float *input, float *output) {
  for (int32_t row = 0; row < p->num_rows; ++row) {
    float largest = input[0];
    for (int32_t i = 1; i < p->width; ++i) {
      largest = input[i] > largest ? input[i] : largest;
    }
    float sum = 0.0f;
    for (int32_t i = 0; i < p->width; ++i) {
      output[i] = expf((input[i] - largest) * p->beta);
      sum += output[i];
    }
    for (int32_t i = 0; i < p->width; ++i) {
      output[i] /= sum;
    }
    input += p->width;
    output += p->width;
  }
}
