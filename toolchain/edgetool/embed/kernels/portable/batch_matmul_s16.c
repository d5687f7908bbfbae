/* needs: batch_matmul_type rescale_wide clamp_s16 */
/* BATCH_MATMUL of 16-bit activations. */
typedef struct {
  batch_matmul_t shape;
  int32_t multiplier, shift;
} batch_matmul_s16_t;

NOINLINE static void batch_matmul_s16(const batch_matmul_s16_t *p, const int16_t *a, const int16_t *b, int16_t *output) {
  const batch_matmul_t *const s = &p->shape;
  for (int32_t batch = 0; batch < s->num_batches; ++batch) {
    const int16_t *const left = a + (batch / s->repeat_a) * s->rows * s->depth;
    const int16_t *const right = b + (batch / s->repeat_b) * s->depth * s->columns;
    for (int32_t i = 0; i < s->rows; ++i) {
      for (int32_t j = 0; j < s->columns; ++j) {
        const int16_t *const x = left + i * s->a_row, *const y = right + j * s->b_column;
        int64_t sum = 0;
        for (int32_t k = 0; k < s->depth; ++k) {
          sum += (int32_t)x[k * s->a_depth] * y[k * s->b_depth];
        }
        *output++ = clamp_s16(rescale_wide(sum, p->multiplier, p->shift), INT16_MIN, INT16_MAX);
      }
    }
  }
}
