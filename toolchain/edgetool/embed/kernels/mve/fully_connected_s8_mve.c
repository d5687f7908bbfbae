/* needs: fully_connected_s8_type mve */
/* FULLY_CONNECTED, four outputs at a time. Rows lie in groups of four, sixteen weights of each in turn, filled up with
   zeros; inputs that are no multiple of sixteen are copied and filled up. Every output must shift right by 33 or more in
   all; shifts holds what is beyond 32. */
typedef fully_connected_s8_t fully_connected_s8_mve_t;

static void fully_connected_s8_mve_row(const fully_connected_s8_t *p, const int8_t *input, int32_t depth,
                                       int8_t *output) {
  const mve_scale_t scale = {p->multipliers, p->shifts, p->out_zero, p->low, p->high};
  const int8_t *weights = (const int8_t *)p->weights;
  for (int32_t i = 0; i < p->num_outputs; i += 4) {
    const int32_t *const biases = p->biases + i;
    int32_t s0 = biases[0], s1 = biases[1], s2 = biases[2], s3 = biases[3];
    for (int32_t k = 0; k < depth; k += 16) {
      s0 = mve_dot(s0, weights, input + k);
      s1 = mve_dot(s1, weights + 16, input + k);
      s2 = mve_dot(s2, weights + 32, input + k);
      s3 = mve_dot(s3, weights + 48, input + k);
      weights += 64;
    }
    const int32_t sums[4] = {s0, s1, s2, s3};
    mve_store_once(scale, mve_load(sums), i * p->scale_step, output + i, p->num_outputs - i);
  }
}

NOINLINE static void fully_connected_s8_mve(const fully_connected_s8_t *p, const int8_t *input, int8_t *output,
                                            void *scratch) {
  const int32_t depth = (p->num_inputs + 15) & ~15;
  int8_t *const padded = (int8_t *)scratch;
  for (int32_t row = 0; row < p->num_rows; ++row) {
    const int8_t *given = input + row * p->num_inputs;
    if (depth != p->num_inputs) {
      memset(padded, 0, (size_t)depth);
      memcpy(padded, given, (size_t)p->num_inputs);
      given = padded;
    }
    fully_connected_s8_mve_row(p, given, depth, output + row * p->num_outputs);
  }
}
