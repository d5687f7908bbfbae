/* CUMSUM along one axis. */
typedef struct {
  int32_t num_outer, size, num_inner, is_exclusive, is_reverse;
} cumsum_f32_t;

static void cumsum_f32(const cumsum_f32_t *p, const float *input, float *output) {
  for (int32_t outer = 0; outer < p->num_outer; ++outer) {
    for (int32_t inner = 0; inner < p->num_inner; ++inner) {
      const int32_t first = outer * p->size * p->num_inner + inner;
      float sum = 0.0f;
      for (int32_t i = 0; i < p->size; ++i) {
        const int32_t at = first + (p->is_reverse != 0 ? p->size - 1 - i : i) * p->num_inner;
        const float value = input[at];
        output[at] = p->is_exclusive != 0 ? sum : sum + value;
        sum += value;
      }
    }
  }
}
