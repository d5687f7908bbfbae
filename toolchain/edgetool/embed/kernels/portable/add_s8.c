/* needs: add_s8_type add_s8_one */
/* ADD of two tensors of one shape; output may be either input. */
static void add_s8(const add_s8_t *p, const int8_t *a, const int8_t *b, int8_t *output) {
  for (int32_t i = 0; i < p->num_elements; ++i) {
    output[i] = add_s8_one(&p->scales, a[i], b[i]);
  }
}
