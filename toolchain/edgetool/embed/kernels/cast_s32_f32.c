/* CAST. */
typedef struct {
  int32_t num_elements;
} cast_s32_f32_t;

static void cast_s32_f32(const cast_s32_f32_t *p, const int32_t *input, float *output) {
  for (int32_t i = 0; i < p->num_elements; ++i) {
    output[i] = (float)input[i];
  }
}
