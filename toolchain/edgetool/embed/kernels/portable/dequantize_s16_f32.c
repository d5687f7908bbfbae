/* DEQUANTIZE: scale * (x - zero point). */
typedef struct {
  float scale;
  int32_t zero, num_elements;
} dequantize_s16_f32_t;

static void dequantize_s16_f32(const dequantize_s16_f32_t *p, const int16_t *input, float *output) {
  for (int32_t i = 0; i < p->num_elements; ++i) {
    output[i] = p->scale * (float)(input[i] - p->zero);
  }
}
