/* Every element the same: what a copy does not reach is padding. */
typedef struct {
  int32_t value;
  int32_t num_elements;
} fill_s16_t;

static void fill_s16(const fill_s16_t *p, int16_t *output) {
  for (int32_t i = 0; i < p->num_elements; ++i) {
    output[i] = (int16_t)p->value;
  }
}
