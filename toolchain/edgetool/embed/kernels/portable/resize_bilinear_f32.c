/* RESIZE_BILINEAR. */
typedef struct {
  const int16_t *above, *below, *left, *right; /* [out_h] or [out_w]: what a row or column lies between */
  const float *down, *across; /* how far from the first of the two, 0 to 1 */
  int32_t in_w, channels, out_h, out_w;
} resize_bilinear_f32_t;

static void resize_bilinear_f32(const resize_bilinear_f32_t *p, const float *input, float *output) {
  for (int32_t y = 0; y < p->out_h; ++y) {
    const float *const top = input + p->above[y] * p->in_w * p->channels;
    const float *const bottom = input + p->below[y] * p->in_w * p->channels;
    for (int32_t x = 0; x < p->out_w; ++x) {
      const int32_t left = p->left[x] * p->channels, right = p->right[x] * p->channels;
      const float down = p->down[y], across = p->across[x];
      for (int32_t c = 0; c < p->channels; ++c) {
        const float upper = top[left + c] * (1.0f - across) + top[right + c] * across;
        const float lower = bottom[left + c] * (1.0f - across) + bottom[right + c] * across;
        *output++ = upper * (1.0f - down) + lower * down;
      }
    }
  }
}
