/* needs: rescale_twice clamp_s16 */
/* QUANTIZE from 8 to 16 bits. */
typedef struct {
  int32_t in_zero, multiplier, shift, out_zero, num_elements;
} quantize_s8_s16_t;

static void quantize_s8_s16(const quantize_s8_s16_t *p, const int8_t *input, int16_t *output) {
  for (int32_t i = 0; i < p->num_elements; ++i) {
    const int32_t value = rescale_twice(input[i] - p->in_zero, p->multiplier, p->shift) + p->out_zero;
    output[i] = clamp_s16(value, INT16_MIN, INT16_MAX);
  }
}
