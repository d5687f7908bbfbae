/* Every element the same: what a copy does not reach is padding. */
typedef struct {
  float value;
  int32_t num_elements;
} fill_f32_t;

static void fill_f32(const fill_f32_t *p, float *output) {
  for (int32_t i = 0; i < p->num_elements; ++i) {
    output[i] = (float)p->value;
  }
}
