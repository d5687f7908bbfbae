/* needs: dsp rescale_once clamp_s8 fully_connected_s8_type */
/* FULLY_CONNECTED, four outputs at a time. Rows lie in groups of four, four weights of each in turn, filled up with
   zeros to a multiple of four rows and weights. */
typedef fully_connected_s8_t fully_connected_s8_dsp_t;

static void fully_connected_s8_dsp(const fully_connected_s8_t *p, const int8_t *input, int8_t *output, void *scratch) {
  const int32_t depth = (p->num_inputs + 3) & ~3;
  uint32_t *const halves = (uint32_t *)scratch;
  int8_t *const padded = (int8_t *)(halves + depth / 2);
  memset(padded, 0, (size_t)depth);
  for (int32_t row = 0; row < p->num_rows; ++row) {
    memcpy(padded, input + row * p->num_inputs, (size_t)p->num_inputs);
    dsp_widen(padded, halves, depth);
    const int8_t *weights = p->weights;
    for (int32_t i = 0; i < p->num_outputs; i += 4) {
      int32_t sums[4] = {0, 0, 0, 0};
      const uint32_t *x = halves;
      for (int32_t k = 0; k < depth; k += 4) {
        const uint32_t x0 = x[0], x1 = x[1];
        x += 2;
        for (int32_t j = 0; j < 4; ++j) {
          const uint32_t w = dsp_load(weights);
          weights += 4;
          sums[j] = dsp_smlad(dsp_even(w), x0, sums[j]);
          sums[j] = dsp_smlad(dsp_odd(w), x1, sums[j]);
        }
      }
      for (int32_t j = 0; j < 4 && i + j < p->num_outputs; ++j) {
        const int32_t made = rescale_once(p->biases[i + j] + sums[j], p->multipliers[i + j], p->shifts[i + j]);
        *output++ = clamp_s8(made + p->out_zero, p->low, p->high);
      }
    }
  }
}
