/* needs: conv_packed_s8_mve_parts conv_packed_add_s8_type */
/* CONV_2D of packed weights and the ADD behind it. */
typedef conv_packed_add_s8_t conv_packed_add_s8_mve_t;

NOINLINE static void conv_packed_add_s8_mve(const conv_packed_add_s8_t *p, const int8_t *input, const int8_t *other,
                                            int8_t *output, void *scratch) {
  conv_packed_s8_mve_parts(&p->conv, input, &p->scales, other, output, scratch);
}
