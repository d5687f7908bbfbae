/* needs: clamp_s16 math */
/* QUANTIZE: round(x / scale) + zero point, halves away from zero, saturated; not a number gives the zero point. */
typedef struct {
  float scale;
  int32_t zero, num_elements;
} quantize_f32_s16_t;

static void quantize_f32_s16(const quantize_f32_s16_t *p, const float *input, int16_t *output) {
  for (int32_t i = 0; i < p->num_elements; ++i) {
    const float steps = roundf(input[i] / p->scale);
    const float kept = steps > 100000.0f ? 100000.0f : (steps < -100000.0f ? -100000.0f : (steps == steps ? steps : 0.0f));
    output[i] = clamp_s16((int32_t)kept + p->zero, INT16_MIN, INT16_MAX);
  }
}
