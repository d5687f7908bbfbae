/* needs: fully_connected_packed_s8 planes_s8_mve */
/* FULLY_CONNECTED of weights that are indices of four to six bits into a palette. Rows are filled up to a multiple of 32
   weights; inputs that are none are copied and filled up. */
typedef fully_connected_packed_s8_t fully_connected_planes_s8_mve_t;

NOINLINE static void fully_connected_planes_s8_mve(const fully_connected_packed_s8_t *p, const int8_t *input,
                                                    int8_t *output, void *scratch) {
  int8_t *const padded = (int8_t *)scratch;
  const int32_t bits = p->packed.bits, num_inputs = p->layer.num_inputs, depth = (num_inputs + 31) & ~31;
  for (int32_t row = 0; row < p->layer.num_rows; ++row) {
    const uint8_t *codes = (const uint8_t *)p->layer.weights;
    const int8_t *given = input + row * num_inputs;
    if (depth != num_inputs) {
      memset(padded, 0, (size_t)depth);
      memcpy(padded, given, (size_t)num_inputs);
      given = padded;
    }
    for (int32_t i = 0; i < p->layer.num_outputs; ++i) {
      int32_t sum = 0;
      for (int32_t k = 0; k < depth; k += 32) {
        sum = planes_dot(sum, codes, bits, p->packed.values, given + k);
        codes += 4 * bits;
      }
      *output++ = fully_connected_packed_s8_output(p, i, sum);
    }
  }
}
