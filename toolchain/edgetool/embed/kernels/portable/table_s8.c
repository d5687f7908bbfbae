/* A function of one int8 value as a table of its 256 answers; output may be the input. */
typedef struct {
  const int8_t *table; /* [256], of -128 first */
  int32_t num_elements;
} table_s8_t;

static void table_s8(const table_s8_t *p, const int8_t *input, int8_t *output) {
  for (int32_t i = 0; i < p->num_elements; ++i) {
    output[i] = p->table[input[i] + 128];
  }
}
