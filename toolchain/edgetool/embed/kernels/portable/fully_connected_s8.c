/* needs: fully_connected_s8_type rescale_once clamp_s8 dot_s8 */
/* FULLY_CONNECTED. */
static void fully_connected_s8(const fully_connected_s8_t *p, const int8_t *input, int8_t *output) {
  for (int32_t row = 0; row < p->num_rows; ++row) {
    for (int32_t i = 0; i < p->num_outputs; ++i) {
      const int32_t sum = p->biases[i] + dot_s8((const int8_t *)p->weights + i * p->num_inputs, input, p->num_inputs);
      const int32_t k = i * p->scale_step;
      *output++ = clamp_s8(rescale_once(sum, p->multipliers[k], p->shifts[k]) + p->out_zero, p->low, p->high);
    }
    input += p->num_inputs;
  }
}
