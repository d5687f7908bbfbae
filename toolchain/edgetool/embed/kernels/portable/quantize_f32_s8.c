/* needs: clamp_s8 math */
/* QUANTIZE: round(x / scale) + zero point, halves away from zero, saturated; not a number gives the zero point. */
typedef struct {
  float scale;
  int32_t zero, num_elements;
} quantize_f32_s8_t;

static void quantize_f32_s8(const quantize_f32_s8_t *p, const float *input, int8_t *output) {
  for (int32_t i = 0; i < p->num_elements; ++i) {
    const float steps = roundf(input[i] / p->scale);
    const float kept = steps > 1000.0f ? 1000.0f : (steps < -1000.0f ? -1000.0f : (steps == steps ? steps : 0.0f));
    output[i] = clamp_s8((int32_t)kept + p->zero, INT8_MIN, INT8_MAX);
  }
}
