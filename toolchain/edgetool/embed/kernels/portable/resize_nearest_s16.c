/* RESIZE_NEAREST_NEIGHBOR of 16-bit activations, by tables of the rows and columns to take. */
typedef struct {
  const int16_t *rows, *columns; /* [out_h], [out_w] */
  int32_t in_w, channels, out_h, out_w;
} resize_nearest_s16_t;

static void resize_nearest_s16(const resize_nearest_s16_t *p, const int16_t *input, int16_t *output) {
  for (int32_t y = 0; y < p->out_h; ++y) {
    for (int32_t x = 0; x < p->out_w; ++x) {
      const int16_t *const pixel = input + (p->rows[y] * p->in_w + p->columns[x]) * p->channels;
      memcpy(output, pixel, (size_t)p->channels * sizeof *output);
      output += p->channels;
    }
  }
}
