/* needs: clamp_s16 */
/* RESIZE_BILINEAR of 16-bit activations: weights of 10 bits along each axis. */
typedef struct {
  const int16_t *above, *below, *down; /* [out_h]: rows between which a row lies, and how far from the first, 1/1024 */
  const int16_t *left, *right, *across; /* [out_w] */
  int32_t in_w, channels, out_h, out_w;
} resize_bilinear_s16_t;

static void resize_bilinear_s16(const resize_bilinear_s16_t *p, const int16_t *input, int16_t *output) {
  for (int32_t y = 0; y < p->out_h; ++y) {
    const int16_t *const top = input + p->above[y] * p->in_w * p->channels;
    const int16_t *const bottom = input + p->below[y] * p->in_w * p->channels;
    const int64_t down = p->down[y];
    for (int32_t x = 0; x < p->out_w; ++x) {
      const int32_t left = p->left[x] * p->channels, right = p->right[x] * p->channels, across = p->across[x];
      for (int32_t c = 0; c < p->channels; ++c) {
        const int32_t upper = top[left + c] * (1024 - across) + top[right + c] * across;
        const int32_t lower = bottom[left + c] * (1024 - across) + bottom[right + c] * across;
        const int64_t sum = upper * (1024 - down) + lower * down;
        const int64_t half = sum > 0 ? 1 << 19 : -(1 << 19);
        *output++ = clamp_s16((int32_t)((sum + half) / (1 << 20)), INT16_MIN, INT16_MAX);
      }
    }
  }
}
