/* Of copies: sizes, and how far apart elements lie at both ends; rows of `n4` elements. */
typedef struct {
  int32_t n0, n1, n2, n3, n4;
  int32_t from, from0, from1, from2, from3, from4;
  int32_t to, to0, to1, to2, to3, to4;
} copy_t;

/* Defines the kernel `name` for elements of `type`. */
#define COPY(name, type)                                                                         \
  NOINLINE static void name(const copy_t *p, const type *input, type *output) {                  \
    for (int32_t i0 = 0; i0 < p->n0; ++i0) {                                                     \
      for (int32_t i1 = 0; i1 < p->n1; ++i1) {                                                   \
        for (int32_t i2 = 0; i2 < p->n2; ++i2) {                                                 \
          for (int32_t i3 = 0; i3 < p->n3; ++i3) {                                               \
            const int32_t from = p->from + i0 * p->from0 + i1 * p->from1 + i2 * p->from2;        \
            const int32_t to = p->to + i0 * p->to0 + i1 * p->to1 + i2 * p->to2;                  \
            const type *const x = input + from + i3 * p->from3;                                  \
            type *const y = output + to + i3 * p->to3;                                           \
            if (p->from4 == 1 && p->to4 == 1) {                                                  \
              memcpy(y, x, (size_t)p->n4 * sizeof *y);                                           \
            } else {                                                                             \
              for (int32_t i4 = 0; i4 < p->n4; ++i4) {                                           \
                y[i4 * p->to4] = x[i4 * p->from4];                                               \
              }                                                                                  \
            }                                                                                    \
          }                                                                                      \
        }                                                                                        \
      }                                                                                          \
    }                                                                                            \
  }
