/* needs: math */
/* L2_NORMALIZATION along the last axis. */
typedef struct {
  int32_t num_rows, depth;
} l2_normalization_f32_t;

static void l2_normalization_f32(const l2_normalization_f32_t *p, const float *input, float *output) {
  for (int32_t row = 0; row < p->num_rows; ++row) {
    float sum = 0.0f;
    for (int32_t i = 0; i < p->depth; ++i) {
      sum += input[i] * input[i];
    }
    const float length = sqrtf(sum) > 1e-6f ? sqrtf(sum) : 1e-6f;
    for (int32_t i = 0; i < p->depth; ++i) {
      *output++ = *input++ / length;
    }
  }
}
