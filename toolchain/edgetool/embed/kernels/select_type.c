/* Of SELECT. */
typedef struct {
  int32_t num_elements;
  int32_t condition_step; /* 1: one for each element; 0: one for all */
} select_t;

/* Defines the kernel `name` for elements of `type`. */
#define SELECT(name, type)                                                                       \
  static void name(const select_t *p, const uint8_t *condition, const type *a, const type *b, type *output) { \
    for (int32_t i = 0; i < p->num_elements; ++i) {                                              \
      output[i] = condition[i * p->condition_step] != 0 ? a[i] : b[i];                           \
    }                                                                                            \
  }
