/* needs: conv_s8_dsp add_s8_one */
/* CONV_2D as conv_s8_dsp and the ADD behind it; output may be the other summand. */
typedef struct {
  conv_s8_t conv;
  sum_s8_scales_t scales;
} conv_add_s8_dsp_t;

NOINLINE static void conv_add_s8_dsp(const conv_add_s8_dsp_t *p, const int8_t *input, const int8_t *other, int8_t *output,
                            void *scratch) {
  const conv_s8_t *const conv = &p->conv;
  const int32_t depth = (conv->kernel_h * conv->kernel_w * conv->in_c + 3) & ~3;
  uint32_t *const halves = (uint32_t *)scratch;
  int8_t *const patch = (int8_t *)(halves + depth);
  int8_t *const made = patch + depth; /* of two pixels */
  const sum_s8_scales_t scales = p->scales;
  memset(patch, 0, (size_t)depth);
  for (int32_t y = 0; y < conv->out_h; ++y) {
    for (int32_t x = 0; x < conv->out_w; x += 2) {
      const int32_t count = x + 1 < conv->out_w ? 2 : 1;
      conv_s8_dsp_gather(conv, input, y, x, count, patch, depth, halves);
      conv_s8_dsp_filters(conv, halves, depth, made, count);
      for (int32_t i = 0; i < count * conv->out_c; ++i) {
        *output++ = add_s8_one(&scales, made[i], *other++);
      }
    }
  }
}
