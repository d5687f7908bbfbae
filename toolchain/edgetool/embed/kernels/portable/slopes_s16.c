/* needs: rescale_twice clamp_s16 */
/* Lines through zero, one below and one above it: RELU, RELU6, LEAKY_RELU, ABS, QUANTIZE; output may be the input. */
typedef struct {
  int32_t multiplier, shift, multiplier_below, shift_below, low, high, num_elements;
} slopes_s16_t;

static void slopes_s16(const slopes_s16_t *p, const int16_t *input, int16_t *output) {
  for (int32_t i = 0; i < p->num_elements; ++i) {
    const int32_t x = input[i];
    const int32_t y = x < 0 ? rescale_twice(x, p->multiplier_below, p->shift_below) : rescale_twice(x, p->multiplier, p->shift);
    output[i] = clamp_s16(y, p->low, p->high);
  }
}
