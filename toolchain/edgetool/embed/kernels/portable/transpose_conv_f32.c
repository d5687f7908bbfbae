/* needs: transpose_conv_type dot_f32 clamp_f32 */
/* TRANSPOSE_CONV: every output pixel gathers the input pixels that reach it. */
typedef struct {
  const float *weights; /* [kernel_h][kernel_w][out_c][in_c] */
  const float *biases; /* [out_c] */
  transpose_conv_t shape;
  float low, high;
} transpose_conv_f32_t;

static float transpose_conv_f32_sum(const transpose_conv_f32_t *p, const float *input, int32_t y, int32_t x,
                                    int32_t c) {
  const transpose_conv_t *const s = &p->shape;
  float sum = p->biases[c];
  for (int32_t ky = 0; ky < s->kernel_h; ++ky) {
    const int32_t row = transpose_conv_source(y + s->pad_top - ky, s->stride_h, s->in_h);
    for (int32_t kx = 0; row >= 0 && kx < s->kernel_w; ++kx) {
      const int32_t column = transpose_conv_source(x + s->pad_left - kx, s->stride_w, s->in_w);
      if (column >= 0) {
        const int32_t filter = (ky * s->kernel_w + kx) * s->out_c + c;
        sum += dot_f32(p->weights + filter * s->in_c, input + (row * s->in_w + column) * s->in_c, s->in_c);
      }
    }
  }
  return sum;
}

static void transpose_conv_f32(const transpose_conv_f32_t *p, const float *input, float *output) {
  for (int32_t y = 0; y < p->shape.out_h; ++y) {
    for (int32_t x = 0; x < p->shape.out_w; ++x) {
      for (int32_t c = 0; c < p->shape.out_c; ++c) {
        *output++ = clamp_f32(transpose_conv_f32_sum(p, input, y, x, c), p->low, p->high);
      }
    }
  }
}
