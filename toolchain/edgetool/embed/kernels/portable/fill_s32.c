/* Every element the same: what a copy does not reach is padding. */
typedef struct {
  int32_t value;
  int32_t num_elements;
} fill_s32_t;

static void fill_s32(const fill_s32_t *p, int32_t *output) {
  for (int32_t i = 0; i < p->num_elements; ++i) {
    output[i] = (int32_t)p->value;
  }
}
