/* needs: conv_s8_patch mve */
/* CONV_2D, four filters and two pixels at a time. Filters lie in groups of four, sixteen weights of each in turn, filled
   up with zeros to a multiple of four filters and sixteen weights. Every channel must shift right by 1 or more. Output
   may be the input where the window is one pixel and a pixel does not grow. */
typedef conv_s8_t conv_s8_mve_t;

/* All filters on two patches; the second is left out where `count` is 1. */
NOINLINE static void conv_s8_mve_filters(const conv_s8_t *p, const int8_t *a, int32_t depth, int8_t *output,
                                         int32_t count) {
  const mve_scale_t scale = {p->multipliers, p->shifts, p->out_zero, p->low, p->high};
  const int32_t *const biases = p->biases;
  const int32_t out_c = p->out_c;
  const int8_t *weights = (const int8_t *)p->weights;
  const int8_t *const end = a + depth;
  for (int32_t c = 0; c < out_c; c += 4) {
    int32_t first[4] = {biases[c], biases[c + 1], biases[c + 2], biases[c + 3]};
    int32_t s0 = first[0], s1 = first[1], s2 = first[2], s3 = first[3];
    int32_t t0 = s0, t1 = s1, t2 = s2, t3 = s3;
    for (const int8_t *x = a; x < end; x += 16) {
      s0 = mve_dot(s0, weights, x);
      t0 = mve_dot(t0, weights, x + depth);
      s1 = mve_dot(s1, weights + 16, x);
      t1 = mve_dot(t1, weights + 16, x + depth);
      s2 = mve_dot(s2, weights + 32, x);
      t2 = mve_dot(t2, weights + 32, x + depth);
      s3 = mve_dot(s3, weights + 48, x);
      t3 = mve_dot(t3, weights + 48, x + depth);
      weights += 64;
    }
    const int32_t num = out_c - c < 4 ? out_c - c : 4;
    const int32_t second[4] = {t0, t1, t2, t3};
    first[0] = s0;
    first[1] = s1;
    first[2] = s2;
    first[3] = s3;
    mve_store_twice(scale, first, c, output + c, num);
    if (count > 1) {
      mve_store_twice(scale, second, c, output + out_c + c, num);
    }
  }
}

/* Patches of `count` output pixels from (y, x) on, one behind the other. */
static void conv_s8_mve_gather(const conv_s8_t *p, const int8_t *input, int32_t y, int32_t x, int32_t count,
                               int8_t *patches, int32_t depth) {
  for (int32_t i = 0; i < count; ++i) {
    conv_s8_patch(p, input, y * p->stride_h - p->pad_top, (x + i) * p->stride_w - p->pad_left, patches + i * depth);
  }
}

NOINLINE static void conv_s8_mve(const conv_s8_t *p, const int8_t *input, int8_t *output, void *scratch) {
  const int32_t depth = (p->kernel_h * p->kernel_w * p->in_c + 15) & ~15;
  int8_t *const patches = (int8_t *)scratch;
  memset(patches, 0, (size_t)(2 * depth));
  for (int32_t y = 0; y < p->out_h; ++y) {
    for (int32_t x = 0; x < p->out_w; x += 2) {
      const int32_t count = x + 1 < p->out_w ? 2 : 1;
      conv_s8_mve_gather(p, input, y, x, count, patches, depth);
      conv_s8_mve_filters(p, patches, depth, output, count);
      output += count * p->out_c;
    }
  }
}
