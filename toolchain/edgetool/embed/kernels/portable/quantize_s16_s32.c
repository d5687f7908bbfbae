/* needs: rescale_twice */
/* QUANTIZE from 16 to 32 bits. */
typedef struct {
  int32_t in_zero, multiplier, shift, out_zero, num_elements;
} quantize_s16_s32_t;

static void quantize_s16_s32(const quantize_s16_s32_t *p, const int16_t *input, int32_t *output) {
  for (int32_t i = 0; i < p->num_elements; ++i) {
    output[i] = rescale_twice(input[i] - p->in_zero, p->multiplier, p->shift) + p->out_zero;
  }
}
