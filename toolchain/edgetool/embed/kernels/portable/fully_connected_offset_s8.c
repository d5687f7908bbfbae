/* needs: fully_connected_s8_type rescale_once clamp_s8 dot_s8 */
/* FULLY_CONNECTED of weights with a zero point, which is taken off each sum with the row's own sum. */
typedef struct {
  fully_connected_s8_t layer; /* biases: the input's zero point taken off, with the weights' */
  int32_t weight_zero;
} fully_connected_offset_s8_t;

static void fully_connected_offset_s8(const fully_connected_offset_s8_t *p, const int8_t *input, int8_t *output) {
  const fully_connected_s8_t *const layer = &p->layer;
  for (int32_t row = 0; row < layer->num_rows; ++row) {
    int32_t total = 0;
    for (int32_t i = 0; i < layer->num_inputs; ++i) {
      total += input[i];
    }
    for (int32_t i = 0; i < layer->num_outputs; ++i) {
      const int32_t sum = layer->biases[i] - p->weight_zero * total +
                          dot_s8((const int8_t *)layer->weights + i * layer->num_inputs, input, layer->num_inputs);
      const int32_t k = i * layer->scale_step;
      const int32_t scaled = rescale_once(sum, layer->multipliers[k], layer->shifts[k]) + layer->out_zero;
      *output++ = clamp_s8(scaled, layer->low, layer->high);
    }
    input += layer->num_inputs;
  }
}
