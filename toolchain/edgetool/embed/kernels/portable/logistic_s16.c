/* needs: sigmoid_s16_between */
/* LOGISTIC of 16-bit activations; output may be the input. */
typedef sigmoid_s16_t logistic_s16_t;

static void logistic_s16(const logistic_s16_t *p, const int16_t *input, int16_t *output) {
  for (int32_t i = 0; i < p->num_elements; ++i) {
    const int32_t distance = sigmoid_s16_distance(p, input[i]), half = (int32_t)1 << 24;
    const int32_t away = sigmoid_s16_between(p, distance < 0 ? -distance : distance, 9, 32766);
    output[i] = (int16_t)((distance < 0 ? half - away + 511 : half + away + 512) >> 10);
  }
}
