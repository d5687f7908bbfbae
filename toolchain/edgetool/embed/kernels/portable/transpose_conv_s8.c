/* needs: rescale_twice clamp_s8 dot_s8 transpose_conv_type */
/* TRANSPOSE_CONV: every output pixel gathers the input pixels that reach it. */
typedef struct {
  const int8_t *weights; /* [kernel_h][kernel_w][out_c][in_c] */
  const int32_t *biases; /* [out_c] */
  const int32_t *sums; /* [kernel_h][kernel_w][out_c]: what the input's zero point adds, to be taken off */
  const int32_t *multipliers;
  const int8_t *shifts;
  transpose_conv_t shape;
  int32_t out_zero, low, high;
} transpose_conv_s8_t;

static int32_t transpose_conv_s8_sum(const transpose_conv_s8_t *p, const int8_t *input, int32_t y, int32_t x,
                                     int32_t c) {
  const transpose_conv_t *const s = &p->shape;
  int32_t sum = p->biases[c];
  for (int32_t ky = 0; ky < s->kernel_h; ++ky) {
    const int32_t row = transpose_conv_source(y + s->pad_top - ky, s->stride_h, s->in_h);
    for (int32_t kx = 0; row >= 0 && kx < s->kernel_w; ++kx) {
      const int32_t column = transpose_conv_source(x + s->pad_left - kx, s->stride_w, s->in_w);
      if (column >= 0) {
        const int32_t filter = (ky * s->kernel_w + kx) * s->out_c + c;
        const int8_t *const pixel = input + (row * s->in_w + column) * s->in_c;
        sum += dot_s8(p->weights + filter * s->in_c, pixel, s->in_c) - p->sums[filter];
      }
    }
  }
  return sum;
}

static void transpose_conv_s8(const transpose_conv_s8_t *p, const int8_t *input, int8_t *output) {
  for (int32_t y = 0; y < p->shape.out_h; ++y) {
    for (int32_t x = 0; x < p->shape.out_w; ++x) {
      for (int32_t c = 0; c < p->shape.out_c; ++c) {
        const int32_t sum = transpose_conv_s8_sum(p, input, y, x, c);
        *output++ = clamp_s8(rescale_twice(sum, p->multipliers[c], p->shifts[c]) + p->out_zero, p->low, p->high);
      }
    }
  }
}
