/* MEAN and SUM over neighbouring axes: the sum times a factor. */
typedef struct {
  int32_t num_outer, num_reduced, num_inner;
  float factor;
} mean_f32_t;

static void mean_f32(const mean_f32_t *p, const float *input, float *output) {
  for (int32_t outer = 0; outer < p->num_outer; ++outer) {
    for (int32_t inner = 0; inner < p->num_inner; ++inner) {
      float sum = 0.0f;
      for (int32_t i = 0; i < p->num_reduced; ++i) {
        sum += input[i * p->num_inner + inner];
      }
      *output++ = sum * p->factor;
    }
    input += p->num_reduced * p->num_inner;
  }
}
