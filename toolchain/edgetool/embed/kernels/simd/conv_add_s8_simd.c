/* needs: conv_s8_simd_parts */
/* CONV_2D and the ADD behind it; output may be the other summand. */
typedef struct {
  conv_s8_t conv;
  sum_s8_scales_t scales;
} conv_add_s8_simd_t;

NOINLINE static void conv_add_s8_simd(const conv_add_s8_simd_t *p, const int8_t *input, const int8_t *other,
                                      int8_t *output, void *scratch) {
  simd_conv(&p->conv, input, &p->scales, other, output, scratch);
}
