/* needs: conv_s8_patch mve */
/* CONV_2D, four filters and two pixels at a time. Filters lie in groups of four, sixteen weights of each in turn, filled
   up with zeros to a multiple of four filters and sixteen weights. Every channel must shift right by 1 or more. Output
   may be the input where the window is one pixel and a pixel does not grow. */
typedef conv_s8_t conv_s8_mve_t;

/* Sums of two of four filters on two patches. */
INLINE void conv_s8_mve_block(const int8_t *weights, const int8_t *a, int32_t depth, const int32_t *biases,
                                     int32_t *first, int32_t *second) {
  int32_t s0 = biases[0], s1 = biases[1], t0 = s0, t1 = s1;
  const int8_t *b = a + depth;
#if defined(__ARM_FEATURE_MVE)
  __asm__ volatile(
      "dls lr, %[count]\n"
      "1:\n\t"
      "vldrb.8 q0, [%[weights]]\n\t"
      "vldrb.8 q2, [%[a]], #16\n\t"
      "vmladava.s8 %[s0], q0, q2\n\t"
      "vldrb.8 q3, [%[b]], #16\n\t"
      "vmladava.s8 %[t0], q0, q3\n\t"
      "vldrb.8 q1, [%[weights], #16]\n\t"
      "vmladava.s8 %[s1], q1, q2\n\t"
      "add %[weights], %[weights], #64\n\t"
      "vmladava.s8 %[t1], q1, q3\n\t"
      "le lr, 1b"
      : [s0] "+Te"(s0), [s1] "+Te"(s1), [t0] "+Te"(t0), [t1] "+Te"(t1), [weights] "+r"(weights), [a] "+r"(a),
        [b] "+r"(b)
      : [count] "r"(depth / 16)
      : "lr", "q0", "q1", "q2", "q3", "cc", "memory");
#else
  for (int32_t k = 0; k < depth; k += 16) {
    s0 = mve_dot(s0, weights, a + k);
    t0 = mve_dot(t0, weights, b + k);
    s1 = mve_dot(s1, weights + 16, a + k);
    t1 = mve_dot(t1, weights + 16, b + k);
    weights += 64;
  }
#endif
  first[0] = s0;
  first[1] = s1;
  second[0] = t0;
  second[1] = t1;
}

/* All filters on two patches; the second is left out where `count` is 1. */
NOINLINE static void conv_s8_mve_filters(const conv_s8_t *p, const int8_t *a, int32_t depth, int8_t *output,
                                         int32_t count) {
  const mve_scale_t scale = {p->multipliers, p->shifts, p->out_zero, p->low, p->high};
  const int32_t out_c = p->out_c;
  const int8_t *weights = (const int8_t *)p->weights;
  for (int32_t c = 0; c < out_c; c += 4) {
    int32_t first[4], second[4];
    conv_s8_mve_block(weights, a, depth, p->biases + c, first, second);
    conv_s8_mve_block(weights + 32, a, depth, p->biases + c + 2, first + 2, second + 2);
    weights += 4 * depth;
    const int32_t rest = out_c - c;
    mve_store_twice(scale, mve_load(first), c, output + c, rest);
    if (count > 1) {
      mve_store_twice(scale, mve_load(second), c, output + out_c + c, rest);
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
