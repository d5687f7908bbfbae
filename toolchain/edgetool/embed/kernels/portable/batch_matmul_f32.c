/* needs: batch_matmul_type */
/* BATCH_MATMUL. */
typedef struct {
  batch_matmul_t shape;
} batch_matmul_f32_t;

NOINLINE static void batch_matmul_f32(const batch_matmul_f32_t *p, const float *a, const float *b, float *output) {
  const batch_matmul_t *const s = &p->shape;
  for (int32_t batch = 0; batch < s->num_batches; ++batch) {
    const float *const left = a + (batch / s->repeat_a) * s->rows * s->depth;
    const float *const right = b + (batch / s->repeat_b) * s->depth * s->columns;
    for (int32_t i = 0; i < s->rows; ++i) {
      for (int32_t j = 0; j < s->columns; ++j) {
        float sum = 0.0f;
        for (int32_t k = 0; k < s->depth; ++k) {
          sum += left[i * s->a_row + k * s->a_depth] * right[j * s->b_column + k * s->b_depth];
        }
        *output++ = sum;
      }
    }
  }
}
