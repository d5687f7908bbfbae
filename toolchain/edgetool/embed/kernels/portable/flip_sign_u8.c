/* From uint8 to int8, or back, of values 128 less or more: the highest bit; output may be the input. */
typedef struct {
  int32_t num_elements;
} flip_sign_u8_t;

static void flip_sign_u8(const flip_sign_u8_t *p, const void *input, void *output) {
  const uint8_t *const from = (const uint8_t *)input;
  uint8_t *const to = (uint8_t *)output;
  for (int32_t i = 0; i < p->num_elements; ++i) {
    to[i] = (uint8_t)(from[i] ^ 128u);
  }
}
