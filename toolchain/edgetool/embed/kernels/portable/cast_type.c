/* Of CAST. */
typedef struct {
  int32_t num_elements;
} cast_t;

/* Defines the kernel `name`, which makes `value`, an expression of x, of each element. */
#define CAST(name, from, to, value)                                                              \
  static void name(const cast_t *p, const from *input, to *output) {                             \
    for (int32_t i = 0; i < p->num_elements; ++i) {                                              \
      const from x = input[i];                                                                   \
      output[i] = (to)(value);                                                                   \
    }                                                                                            \
  }
