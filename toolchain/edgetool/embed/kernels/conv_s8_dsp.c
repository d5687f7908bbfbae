/* needs: conv_s8_patch dsp rescale_down clamp_s8 */
/* CONV_2D, two pixels and two filters at a time. Filters lie in pairs, four weights of the one, four of the other;
   each is filled up with zeros to a multiple of four weights. Needs a right shift of 1 or more in every channel.
   Output may be the input where one pixel is not larger than before and the window is one pixel. */
typedef conv_s8_t conv_s8_dsp_t;

typedef struct {
  int32_t sums[4]; /* filter 0: pixel 0, pixel 1; filter 1: pixel 0, pixel 1 */
} conv_s8_dsp_block_t;

static inline conv_s8_dsp_block_t conv_s8_dsp_block(const int8_t *weights, const uint32_t *a, const uint32_t *b,
                                                    int32_t depth, int32_t bias_0, int32_t bias_1) {
  int32_t s00 = bias_0, s01 = bias_0, s10 = bias_1, s11 = bias_1;
  const int8_t *const end = weights + 2 * depth;
  while (weights < end) {
    const uint32_t w0 = dsp_load(weights), w1 = dsp_load(weights + 4);
    const uint32_t a0 = a[0], a1 = a[1], b0 = b[0], b1 = b[1];
    const uint32_t even_0 = dsp_even(w0), odd_0 = dsp_odd(w0);
    s00 = dsp_smlad(even_0, a0, s00);
    s01 = dsp_smlad(even_0, b0, s01);
    s00 = dsp_smlad(odd_0, a1, s00);
    s01 = dsp_smlad(odd_0, b1, s01);
    const uint32_t even_1 = dsp_even(w1), odd_1 = dsp_odd(w1);
    s10 = dsp_smlad(even_1, a0, s10);
    s11 = dsp_smlad(even_1, b0, s11);
    s10 = dsp_smlad(odd_1, a1, s10);
    s11 = dsp_smlad(odd_1, b1, s11);
    weights += 8;
    a += 2;
    b += 2;
  }
  return (conv_s8_dsp_block_t){{s00, s01, s10, s11}};
}

/* Gather the patch of output pixel number `pixel` and widen it. */
static void conv_s8_dsp_gather(const conv_s8_t *p, const int8_t *input, int32_t pixel, int8_t *patch, int32_t depth,
                               uint32_t *halves) {
  const int32_t y = pixel / p->out_w, x = pixel % p->out_w;
  conv_s8_patch(p, input, y * p->stride_h - p->pad_top, x * p->stride_w - p->pad_left, patch);
  dsp_widen(patch, halves, depth);
}

static void conv_s8_dsp_pixels(const conv_s8_t *p, const uint32_t *a, const uint32_t *b, int32_t depth, int8_t *output,
                               int32_t num_pixels) {
  const int8_t *weights = p->weights;
  for (int32_t c = 0; c < p->out_c; c += 2) {
    const int32_t next = c + 1 < p->out_c ? c + 1 : c;
    const conv_s8_dsp_block_t found = conv_s8_dsp_block(weights, a, b, depth, p->biases[c], p->biases[next]);
    for (int32_t i = 0; i < 4; ++i) {
      const int32_t channel = i < 2 ? c : c + 1;
      if (channel < p->out_c && (i & 1) < num_pixels) {
        const int32_t made = rescale_down(found.sums[i], p->multipliers[channel], p->shifts[channel]) + p->out_zero;
        output[(i & 1) * p->out_c + channel] = clamp_s8(made, p->low, p->high);
      }
    }
    weights += 2 * depth;
  }
}

static void conv_s8_dsp(const conv_s8_t *p, const int8_t *input, int8_t *output, void *scratch) {
  const int32_t taps = p->kernel_h * p->kernel_w * p->in_c;
  const int32_t depth = (taps + 3) & ~3;
  uint32_t *const a = (uint32_t *)scratch;
  uint32_t *const b = a + depth / 2;
  int8_t *const patch = (int8_t *)(b + depth / 2);
  const int32_t num_pixels = p->out_h * p->out_w;
  memset(patch, 0, (size_t)depth);
  for (int32_t pixel = 0; pixel < num_pixels; pixel += 2) {
    const int32_t count = pixel + 1 < num_pixels ? 2 : 1;
    conv_s8_dsp_gather(p, input, pixel, patch, depth, a);
    conv_s8_dsp_gather(p, input, pixel + count - 1, patch, depth, b);
    conv_s8_dsp_pixels(p, a, b, depth, output + pixel * p->out_c, count);
  }
}
