/* Of the largest and the smallest value along neighbouring axes. */
typedef struct {
  int32_t num_outer, num_reduced, num_inner;
} reduce_t;

/* Defines the kernel `name` for elements of `type`, which keeps what is `better` than what it has. */
#define REDUCE(name, type, better)                                                               \
  static void name(const reduce_t *p, const type *input, type *output) {                         \
    for (int32_t outer = 0; outer < p->num_outer; ++outer) {                                     \
      for (int32_t inner = 0; inner < p->num_inner; ++inner) {                                   \
        const type *const values = input + inner;                                                \
        type best = values[0];                                                                   \
        for (int32_t i = 1; i < p->num_reduced; ++i) {                                           \
          best = values[i * p->num_inner] better best ? values[i * p->num_inner] : best;         \
        }                                                                                        \
        *output++ = best;                                                                        \
      }                                                                                          \
      input += p->num_reduced * p->num_inner;                                                    \
    }                                                                                            \
  }
