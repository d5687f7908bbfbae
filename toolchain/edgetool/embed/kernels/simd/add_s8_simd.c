/* needs: add_s8_type add_s8_simd_values */
/* ADD of two tensors of one shape; output may be either input. */
typedef add_s8_t add_s8_simd_t;

NOINLINE static void add_s8_simd(const add_s8_t *p, const int8_t *a, const int8_t *b, int8_t *output) {
  add_s8_simd_values(&p->scales, a, b, output, p->num_elements);
}
