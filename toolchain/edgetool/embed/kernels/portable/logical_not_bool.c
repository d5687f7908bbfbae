/* LOGICAL_NOT. */
typedef struct {
  int32_t num_elements;
} logical_not_bool_t;

static void logical_not_bool(const logical_not_bool_t *p, const uint8_t *input, uint8_t *output) {
  for (int32_t i = 0; i < p->num_elements; ++i) {
    output[i] = input[i] == 0;
  }
}
