/* needs: rows_dsp clamp_all_s8 fully_connected_s8_type */
/* FULLY_CONNECTED, four outputs at a time. Rows lie in pairs, see sums_dsp, two pairs in turn, filled up with zeros to a
   multiple of four rows and weights; inputs that are no multiple of four are copied and filled up. Every output must
   shift right by 33 or more in all; shifts holds what is beyond 32. */
typedef fully_connected_s8_t fully_connected_s8_dsp_t;

static void fully_connected_s8_dsp_row(const fully_connected_s8_t *p, const int8_t *input, int8_t *output) {
  const uint32_t *weights = (const uint32_t *)p->weights;
  const int32_t *biases = p->biases, *multipliers = p->multipliers;
  const int8_t *rights = p->shifts;
  const int32_t depth = (p->num_inputs + 3) & ~3, scale_step = p->scale_step, zero = p->out_zero;
  int8_t *to = output, *const end = output + p->num_outputs;
  while (to < end) {
    int32_t sums[4] = {0, 0, 0, 0};
    for (int32_t k = 0; k < depth; k += PAIR_WEIGHTS) {
      const int32_t left = depth - k, num_weights = left < PAIR_WEIGHTS ? left : PAIR_WEIGHTS;
      fully_connected_s8_dsp_block(weights, input + k, num_weights, sums);
      weights += num_weights;
    }
    for (int32_t i = 0; i < 4 && to < end; ++i) {
      const int32_t upper = (int32_t)(((int64_t)(*biases++ + sums[i]) * *multipliers) >> 32);
      *to++ = (int8_t)dsp_ssat8(dsp_round(upper, *rights, zero));
      multipliers += scale_step;
      rights += scale_step;
    }
  }
  clamp_all_s8(output, p->num_outputs, p->low, p->high);
}

NOINLINE static void fully_connected_s8_dsp(const fully_connected_s8_t *p, const int8_t *input, int8_t *output,
                                            void *scratch) {
  int8_t *const padded = (int8_t *)scratch;
  for (int32_t row = 0; row < p->num_rows; ++row) {
    const int8_t *given = input + row * p->num_inputs;
    if ((p->num_inputs & 3) != 0) {
      memset(padded + (p->num_inputs & ~3), 0, 4);
      memcpy(padded, given, (size_t)p->num_inputs);
      given = padded;
    }
    fully_connected_s8_dsp_row(p, given, output);
    output += p->num_outputs;
  }
}
