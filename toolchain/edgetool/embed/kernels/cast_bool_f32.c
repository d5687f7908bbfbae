/* CAST. */
typedef struct {
  int32_t num_elements;
} cast_bool_f32_t;

static void cast_bool_f32(const cast_bool_f32_t *p, const uint8_t *input, float *output) {
  for (int32_t i = 0; i < p->num_elements; ++i) {
    output[i] = input[i] != 0 ? 1.0f : 0.0f;
  }
}
