/* needs: clamp_s8 */
/* RESIZE_BILINEAR of values that the file has as unsigned bytes, 128 more: LiteRT computes them in floats. */
typedef struct {
  const int16_t *above, *below; /* [out_h]: rows between which a row lies */
  const float *down; /* [out_h]: how far from the first */
  const int16_t *left, *right; /* [out_w] */
  const float *across;
  int32_t in_w, channels, out_h, out_w;
} resize_bilinear_u8_t;

static void resize_bilinear_u8(const resize_bilinear_u8_t *p, const int8_t *input, int8_t *output) {
  for (int32_t y = 0; y < p->out_h; ++y) {
    const int8_t *const top = input + p->above[y] * p->in_w * p->channels;
    const int8_t *const bottom = input + p->below[y] * p->in_w * p->channels;
    const float down = p->down[y];
    for (int32_t x = 0; x < p->out_w; ++x) {
      const int32_t left = p->left[x] * p->channels, right = p->right[x] * p->channels;
      const float across = p->across[x];
      for (int32_t c = 0; c < p->channels; ++c) {
        const float a = (float)(top[left + c] + 128) * (1.0f - down) * (1.0f - across);
        const float b = (float)(bottom[left + c] + 128) * down * (1.0f - across);
        const float d = (float)(top[right + c] + 128) * (1.0f - down) * across;
        const float e = (float)(bottom[right + c] + 128) * down * across;
        *output++ = clamp_s8((int32_t)(a + b + d + e + 0.5f) - 128, INT8_MIN, INT8_MAX);
      }
    }
  }
}
