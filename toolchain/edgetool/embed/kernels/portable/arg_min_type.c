/* Of ARG_MIN along one axis. */
typedef struct {
  int32_t num_outer, size, num_inner;
} arg_min_t;

/* Defines the kernel `name` for elements of `type`; of equal values the first. */
#define ARG_MIN(name, type, index_type)                                                          \
  static void name(const arg_min_t *p, const type *input, index_type *output) {                  \
    for (int32_t outer = 0; outer < p->num_outer; ++outer) {                                     \
      for (int32_t inner = 0; inner < p->num_inner; ++inner) {                                   \
        const type *const values = input + outer * p->size * p->num_inner + inner;               \
        int32_t best = 0;                                                                        \
        for (int32_t i = 1; i < p->size; ++i) {                                                  \
          best = values[i * p->num_inner] < values[best * p->num_inner] ? i : best;              \
        }                                                                                        \
        *output++ = best;                                                                        \
      }                                                                                          \
    }                                                                                            \
  }
