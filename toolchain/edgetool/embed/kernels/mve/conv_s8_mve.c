/* needs: columns_mve conv_s8_columns */
/* CONV_2D, four filters and two pixels at a time. Filters lie in groups of four, sixteen weights of each in turn, filled
   up with zeros to a multiple of four filters and sixteen weights. Every channel must shift right by 1 or more. Output
   may be the input where the window is one pixel and a pixel does not grow. */
typedef conv_s8_t conv_s8_mve_t;

/* Sizes of patches, in bytes. */
INLINE conv_s8_sizes_t conv_s8_mve_sizes(const conv_s8_t *p, int apart) {
  return conv_s8_sizes(p, p->kernel_h * p->in_c, 16, apart);
}

/* Sums of four filters on two patches. */
INLINE mve_fours_t conv_s8_mve_block(const int8_t *weights, const int8_t *a, const int8_t *b, int32_t depth,
                                     const int32_t *biases) {
  mve_fours_t sums;
#if defined(__ARM_FEATURE_MVE)
  /* Sums lie in the even registers, as VMLADAVA wants them: r0, r4, r8, r12 of the first patch, r2, r6, r10, lr of the
     second. That is all of them, so that nothing is left to the compiler's choice. */
  register const int8_t *in_weights __asm__("r1") = weights, *in_a __asm__("r3") = a, *in_b __asm__("r5") = b;
  register int32_t count __asm__("r9") = depth / 16;
  register const int32_t *in_biases __asm__("r11") = biases;
  mve_four_t w0, w1;
  __asm__ volatile(
      "ldrd r0, r4, [%[biases]]\n\t"
      "ldrd r8, r12, [%[biases], #8]\n\t"
      "mov r2, r0\n\t"
      "mov r6, r4\n\t"
      "mov r10, r8\n\t"
      "mov lr, r12\n"
      "1:\n\t"
      "vldrb.8 %q[w0], [%[weights]], #16\n\t"
      "vldrb.8 %q[x], [%[a]], #16\n\t"
      "vmladava.s8 r0, %q[w0], %q[x]\n\t"
      "vldrb.8 %q[y], [%[b]], #16\n\t"
      "vmladava.s8 r2, %q[w0], %q[y]\n\t"
      "vldrb.8 %q[w1], [%[weights]], #16\n\t"
      "vmladava.s8 r4, %q[w1], %q[x]\n\t"
      "vldrb.8 %q[w0], [%[weights]], #16\n\t"
      "vmladava.s8 r6, %q[w1], %q[y]\n\t"
      "vldrb.8 %q[w1], [%[weights]], #16\n\t"
      "vmladava.s8 r8, %q[w0], %q[x]\n\t"
      "vmladava.s8 r10, %q[w0], %q[y]\n\t"
      "subs %[count], %[count], #1\n\t"
      "vmladava.s8 r12, %q[w1], %q[x]\n\t"
      "vmladava.s8 lr, %q[w1], %q[y]\n\t"
      "bne 1b\n\t"
      "vmov %q[x][2], %q[x][0], r0, r8\n\t"
      "vmov %q[x][3], %q[x][1], r4, r12\n\t"
      "vmov %q[y][2], %q[y][0], r2, r10\n\t"
      "vmov %q[y][3], %q[y][1], r6, lr"
      : [weights] "+r"(in_weights), [a] "+r"(in_a), [b] "+r"(in_b), [count] "+r"(count), [x] "=&w"(sums.a),
        [y] "=&w"(sums.b), [w0] "=&w"(w0), [w1] "=&w"(w1)
      : [biases] "r"(in_biases)
      : "r0", "r2", "r4", "r6", "r8", "r10", "r12", "lr", "cc", "memory");
#else
  int32_t first[4], second[4];
  for (int32_t c = 0; c < 4; ++c) {
    first[c] = second[c] = biases[c];
    for (int32_t k = 0; k < depth; k += 16) {
      first[c] = mve_dot(first[c], weights + 4 * k + 16 * c, a + k);
      second[c] = mve_dot(second[c], weights + 4 * k + 16 * c, b + k);
    }
  }
  sums.a = mve_load(first);
  sums.b = mve_load(second);
#endif
  return sums;
}

/* All filters on two patches; the second is left out where `count` is 1. */
NOINLINE static void conv_s8_mve_filters(const conv_s8_t *p, const int8_t *columns, const conv_s8_sizes_t *sizes,
                                         int8_t *output, int32_t count) {
  const mve_scale_t scale = {p->multipliers, p->shifts, p->out_zero, p->low, p->high};
  const int32_t out_c = p->out_c, depth = sizes->depth;
  int8_t *const second = count > 1 ? output + out_c : output; /* pixel 0 is written after it */
  const int32_t *const biases = p->biases;
  const int8_t *const b = columns + sizes->second;
  const int8_t *weights = (const int8_t *)p->weights;
  for (int32_t c = 0; c < out_c; c += 4) {
    const mve_fours_t sums = conv_s8_mve_block(weights, columns, b, depth, biases + c);
    mve_store_both(scale, sums, c, output + c, second + c, out_c - c);
    weights += 4 * depth;
  }
}

NOINLINE static void conv_s8_mve(const conv_s8_t *p, const int8_t *input, int8_t *output, void *scratch) {
  const conv_s8_sizes_t sizes = conv_s8_mve_sizes(p, 0);
  int8_t *const columns = (int8_t *)scratch;
  memset(columns, 0, (size_t)(sizes.second + sizes.depth));
  for (int32_t y = 0; y < p->out_h; ++y) {
    for (int32_t x = 0; x < p->out_w; x += 2) {
      const int32_t count = x + 1 < p->out_w ? 2 : 1;
      conv_s8_gather(p, input, y, x, count, &sizes, columns);
      conv_s8_mve_filters(p, columns, &sizes, output, count);
      output += count * p->out_c;
    }
  }
}
