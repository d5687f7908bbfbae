/* needs: conv_s8_dsp add_s8_one */
/* CONV_2D as conv_s8_dsp and the ADD behind it; output may be the other summand. */
typedef struct {
  conv_s8_t conv;
  add_s8_scales_t scales;
} conv_add_s8_dsp_t;

static void conv_add_s8_dsp(const conv_add_s8_dsp_t *p, const int8_t *input, const int8_t *other, int8_t *output,
                            void *scratch) {
  const conv_s8_t *const conv = &p->conv;
  const int32_t depth = (conv->kernel_h * conv->kernel_w * conv->in_c + 3) & ~3;
  uint32_t *const a = (uint32_t *)scratch;
  uint32_t *const b = a + depth / 2;
  int8_t *const patch = (int8_t *)(b + depth / 2);
  int8_t *const made = patch + depth; /* of two pixels */
  const int32_t num_pixels = conv->out_h * conv->out_w;
  memset(patch, 0, (size_t)depth);
  for (int32_t pixel = 0; pixel < num_pixels; pixel += 2) {
    const int32_t count = pixel + 1 < num_pixels ? 2 : 1;
    conv_s8_dsp_gather(conv, input, pixel, patch, depth, a);
    conv_s8_dsp_gather(conv, input, pixel + count - 1, patch, depth, b);
    conv_s8_dsp_pixels(conv, a, b, depth, made, count);
    for (int32_t i = 0; i < count * conv->out_c; ++i) {
      *output++ = add_s8_one(&p->scales, made[i], *other++);
    }
  }
}
