/* needs: batch_matmul_type rescale_twice clamp_s8 */
/* BATCH_MATMUL. */
typedef struct {
  batch_matmul_t shape;
  int32_t zero_0, zero_1, multiplier, shift, out_zero;
} batch_matmul_s8_t;

NOINLINE static void batch_matmul_s8(const batch_matmul_s8_t *p, const int8_t *a, const int8_t *b, int8_t *output) {
  const batch_matmul_t *const s = &p->shape;
  for (int32_t batch = 0; batch < s->num_batches; ++batch) {
    const int8_t *const left = a + (batch / s->repeat_a) * s->rows * s->depth;
    const int8_t *const right = b + (batch / s->repeat_b) * s->depth * s->columns;
    for (int32_t i = 0; i < s->rows; ++i) {
      for (int32_t j = 0; j < s->columns; ++j) {
        const int8_t *const x = left + i * s->a_row, *const y = right + j * s->b_column;
        int32_t sum = 0;
        for (int32_t k = 0; k < s->depth; ++k) {
          sum += (x[k * s->a_depth] - p->zero_0) * (y[k * s->b_depth] - p->zero_1);
        }
        *output++ = clamp_s8(rescale_twice(sum, p->multiplier, p->shift) + p->out_zero, INT8_MIN, INT8_MAX);
      }
    }
  }
}
