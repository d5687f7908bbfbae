/* needs: sigmoid_s16_between */
/* TANH of 16-bit activations; output may be the input. */
typedef sigmoid_s16_t tanh_s16_t;

static void tanh_s16(const tanh_s16_t *p, const int16_t *input, int16_t *output) {
  for (int32_t i = 0; i < p->num_elements; ++i) {
    const int32_t distance = sigmoid_s16_distance(p, input[i]);
    const int32_t away = sigmoid_s16_between(p, distance < 0 ? -distance : distance, 8, 32767);
    output[i] = (int16_t)((distance < 0 ? 127 - away : away + 128) >> 8);
  }
}
