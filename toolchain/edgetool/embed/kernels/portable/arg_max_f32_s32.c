/* ARG_MAX along one axis; of equal values the first. */
typedef struct {
  int32_t num_outer, size, num_inner;
} arg_max_f32_s32_t;

static void arg_max_f32_s32(const arg_max_f32_s32_t *p, const float *input, int32_t *output) {
  for (int32_t outer = 0; outer < p->num_outer; ++outer) {
    for (int32_t inner = 0; inner < p->num_inner; ++inner) {
      const float *const values = input + outer * p->size * p->num_inner + inner;
      int32_t best = 0;
      for (int32_t i = 1; i < p->size; ++i) {
        best = values[i * p->num_inner] > values[best * p->num_inner] ? i : best;
      }
      *output++ = best;
    }
  }
}
