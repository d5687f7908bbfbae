/* needs: fully_connected_s8_type simd_convert simd_store */
/* FULLY_CONNECTED, sixteen outputs at a time. Weights lie as [num_outputs / 16][num_inputs / 4][16][4], filled up with
   zeros. Behind the biases, [num_outputs] filled up to 16, stand those for values with SIMD_OFFSET; one scale for all
   outputs stands 16 times. Every output must shift right by 33 or more in all; shifts holds what is beyond 32. */
typedef fully_connected_s8_t fully_connected_s8_simd_t;

/* Sums of sixteen outputs; four vectors grow side by side, because each waits for itself. */
NOINLINE static void fully_connected_simd_sums(const int8_t *weights, const simd_value_t *values, int32_t fours,
                                               int32_t *sums) {
  for (int32_t lane = 0; lane < 16; lane += SIMD_LANES) {
    const int8_t *next = weights + 4 * lane;
    const simd_value_t *x = values;
    simd_sums_t s0 = simd_none(), s1 = s0, s2 = s0, s3 = s0;
    int32_t i = 0;
    for (; i + 4 <= fours; i += 4) {
      s0 = simd_dot(s0, simd_weights(next), x);
      s1 = simd_dot(s1, simd_weights(next + 64), x + 4);
      s2 = simd_dot(s2, simd_weights(next + 128), x + 8);
      s3 = simd_dot(s3, simd_weights(next + 192), x + 12);
      next += 256;
      x += 16;
    }
    for (; i < fours; ++i) {
      s0 = simd_dot(s0, simd_weights(next), x);
      next += 64;
      x += 4;
    }
    simd_write(sums + lane, simd_plus(simd_plus(s0, s1), simd_plus(s2, s3)));
  }
}

NOINLINE static void fully_connected_s8_simd(const fully_connected_s8_t *p, const int8_t *input, int8_t *output,
                                             void *scratch) {
  const int32_t fours = (p->num_inputs + 3) / 4, num_outputs = p->num_outputs, padded = (num_outputs + 15) & ~15;
  const simd_scales_t scales = {p->biases + (SIMD_OFFSET != 0 ? padded : 0), p->multipliers, p->shifts,
                                p->out_zero, p->low, p->high};
  simd_value_t *const values = (simd_value_t *)scratch;
  memset(values, 0, (size_t)(4 * fours) * sizeof *values);
  for (int32_t row = 0; row < p->num_rows; ++row) {
    const int8_t *weights = (const int8_t *)p->weights;
    simd_convert(input, values, p->num_inputs);
    for (int32_t c = 0; c < num_outputs; c += 16) {
      const int32_t k = c * p->scale_step;
      const simd_scale_t scale = simd_scale(simd_load(scales.biases + c), simd_load(scales.multipliers + k),
                                            simd_widen(scales.rights + k), p->out_zero, 0);
      int32_t sums[16];
      fully_connected_simd_sums(weights, values, fours, sums);
      simd_store(&scales, simd_once(&scale, simd_load(sums)), output + c, num_outputs - c);
      weights += 64 * fours;
    }
    input += p->num_inputs;
    output += num_outputs;
  }
}
