/* Every element the same: what a copy does not reach is padding. */
typedef struct {
  int32_t value;
  int32_t num_elements;
} fill_s8_t;

static void fill_s8(const fill_s8_t *p, int8_t *output) {
  for (int32_t i = 0; i < p->num_elements; ++i) {
    output[i] = (int8_t)p->value;
  }
}
