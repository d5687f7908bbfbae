/* needs: fully_connected_packed_s8 dsp */
/* FULLY_CONNECTED of weights that are indices of four bits into a palette, two outputs at a time. Rows are filled up to a
   multiple of eight weights; of every four, the second and the third have changed places, so that a byte stands for the
   weights of two inputs that are widened together. Inputs that are no multiple of eight are copied and filled up. */
typedef fully_connected_packed_s8_t fully_connected_nibbles_s8_dsp_t;

/* The two weights that each byte stands for, as halves. */
static void nibbles_table(const packed_s8_t *p, uint32_t *table) {
  for (int32_t high = 0; high < p->num_values; ++high) {
    for (int32_t low = 0; low < p->num_values; ++low) {
      table[16 * high + low] = (uint32_t)(p->values[high] * 65536) | ((uint32_t)p->values[low] & 0xFFFFu);
    }
  }
}

static void fully_connected_nibbles_s8_dsp_row(const fully_connected_packed_s8_t *p, const int8_t *input,
                                               const uint32_t *table, int8_t *output) {
  const int32_t num_outputs = p->layer.num_outputs, stride = ((p->layer.num_inputs + 7) & ~7) / 2;
  const uint8_t *codes = (const uint8_t *)p->layer.weights;
  for (int32_t i = 0; i < num_outputs; i += 2) {
    const uint8_t *a = codes, *b = i + 1 < num_outputs ? codes + stride : codes;
    const int8_t *x = input;
    int32_t s0 = 0, s1 = 0;
    for (const uint8_t *const end = a + stride; a < end; a += 4, b += 4, x += 8) {
      const uint32_t x0 = dsp_load(x), x1 = dsp_load(x + 4), wa = packed_word(a), wb = packed_word(b);
      const uint32_t even_0 = dsp_even(x0), odd_0 = dsp_odd(x0), even_1 = dsp_even(x1), odd_1 = dsp_odd(x1);
      s0 = dsp_smlad(table[wa & 255u], even_0, s0);
      s1 = dsp_smlad(table[wb & 255u], even_0, s1);
      s0 = dsp_smlad(table[wa >> 8 & 255u], odd_0, s0);
      s1 = dsp_smlad(table[wb >> 8 & 255u], odd_0, s1);
      s0 = dsp_smlad(table[wa >> 16 & 255u], even_1, s0);
      s1 = dsp_smlad(table[wb >> 16 & 255u], even_1, s1);
      s0 = dsp_smlad(table[wa >> 24], odd_1, s0);
      s1 = dsp_smlad(table[wb >> 24], odd_1, s1);
    }
    output[i] = fully_connected_packed_s8_output(p, i, s0);
    if (i + 1 < num_outputs) {
      output[i + 1] = fully_connected_packed_s8_output(p, i + 1, s1);
    }
    codes += 2 * stride;
  }
}

NOINLINE static void fully_connected_nibbles_s8_dsp(const fully_connected_packed_s8_t *p, const int8_t *input,
                                                    int8_t *output, void *scratch) {
  uint32_t *const table = (uint32_t *)scratch;
  int8_t *const padded = (int8_t *)(table + 256);
  const int32_t num_inputs = p->layer.num_inputs;
  nibbles_table(&p->packed, table);
  for (int32_t row = 0; row < p->layer.num_rows; ++row) {
    const int8_t *given = input + row * num_inputs;
    if ((num_inputs & 7) != 0) {
      memset(padded + (num_inputs & ~7), 0, 8);
      memcpy(padded, given, (size_t)num_inputs);
      given = padded;
    }
    fully_connected_nibbles_s8_dsp_row(p, given, table, output + row * p->layer.num_outputs);
  }
}
