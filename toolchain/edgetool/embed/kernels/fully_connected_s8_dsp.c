/* needs: dsp clamp_s8 fully_connected_s8_type */
/* FULLY_CONNECTED, four outputs at a time. Rows lie in groups of four, a word of four weights of each in turn, filled up
   with zeros to a multiple of four rows and weights; inputs that are no multiple of four are copied and filled up. Every
   output must shift right by 33 or more in all; shifts holds what is beyond 32. */
typedef fully_connected_s8_t fully_connected_s8_dsp_t;

static void fully_connected_s8_dsp_row(const fully_connected_s8_t *p, const int8_t *input, int8_t *output) {
  const uint32_t *weights = (const uint32_t *)p->weights;
  const int32_t *const biases = p->biases;
  const int32_t *multipliers = p->multipliers;
  const int32_t scale_step = p->scale_step;
  const int8_t *shifts = p->shifts;
  const int32_t num_outputs = p->num_outputs, zero = p->out_zero, low = p->low, high = p->high;
  const int8_t *const end = input + p->num_inputs;
  for (int32_t i = 0; i < num_outputs; i += 4) {
    int32_t s0 = 0, s1 = 0, s2 = 0, s3 = 0;
    for (const int8_t *x = input; x < end; x += 4) {
      const uint32_t word = dsp_load(x);
      const uint32_t even = dsp_even(word), odd = dsp_odd(word);
      const uint32_t w0 = weights[0], w1 = weights[1], w2 = weights[2], w3 = weights[3];
      s0 = dsp_smlad(dsp_odd(w0), odd, dsp_smlad(dsp_even(w0), even, s0));
      s1 = dsp_smlad(dsp_odd(w1), odd, dsp_smlad(dsp_even(w1), even, s1));
      s2 = dsp_smlad(dsp_odd(w2), odd, dsp_smlad(dsp_even(w2), even, s2));
      s3 = dsp_smlad(dsp_odd(w3), odd, dsp_smlad(dsp_even(w3), even, s3));
      weights += 4;
    }
    const int32_t sums[4] = {s0, s1, s2, s3};
    for (int32_t j = 0; j < 4 && i + j < num_outputs; ++j) {
      const int32_t upper = (int32_t)(((int64_t)(biases[i + j] + sums[j]) * *multipliers) >> 32);
      *output++ = clamp_s8(dsp_round(upper, *shifts, zero), low, high);
      multipliers += scale_step;
      shifts += scale_step;
    }
  }
}

NOINLINE static void fully_connected_s8_dsp(const fully_connected_s8_t *p, const int8_t *input, int8_t *output, void *scratch) {
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
