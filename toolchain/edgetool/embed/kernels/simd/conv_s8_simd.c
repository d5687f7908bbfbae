/* needs: conv_s8_simd_parts */
/* CONV_2D; output may be the input where the window is one pixel and a pixel does not grow. */
typedef conv_s8_t conv_s8_simd_t;

NOINLINE static void conv_s8_simd(const conv_s8_t *p, const int8_t *input, int8_t *output, void *scratch) {
  simd_conv(p, input, NULL, NULL, output, scratch);
}
