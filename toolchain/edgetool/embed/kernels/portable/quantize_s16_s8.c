/* needs: rescale_twice clamp_s8 */
/* QUANTIZE from 16 to 8 bits. */
typedef struct {
  int32_t in_zero, multiplier, shift, out_zero, num_elements;
} quantize_s16_s8_t;

static void quantize_s16_s8(const quantize_s16_s8_t *p, const int16_t *input, int8_t *output) {
  for (int32_t i = 0; i < p->num_elements; ++i) {
    const int32_t value = rescale_twice(input[i] - p->in_zero, p->multiplier, p->shift) + p->out_zero;
    output[i] = clamp_s8(value, INT8_MIN, INT8_MAX);
  }
}
