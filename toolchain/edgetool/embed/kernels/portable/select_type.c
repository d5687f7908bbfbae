/* Of SELECT: the result's sizes, and how far apart elements lie in the condition and each operand (0: repeated). */
typedef struct {
  int32_t n0, n1, n2, n3;
  int32_t c0, c1, c2, c3;
  int32_t a0, a1, a2, a3;
  int32_t b0, b1, b2, b3;
} select_t;

/* Defines the kernel `name` for elements of `type`. */
#define SELECT(name, type)                                                                       \
  static void name(const select_t *p, const uint8_t *condition, const type *a, const type *b, type *output) { \
    for (int32_t i0 = 0; i0 < p->n0; ++i0) {                                                     \
      for (int32_t i1 = 0; i1 < p->n1; ++i1) {                                                   \
        for (int32_t i2 = 0; i2 < p->n2; ++i2) {                                                 \
          const uint8_t *const z = condition + (i0 * p->c0 + i1 * p->c1 + i2 * p->c2);           \
          const type *const x = a + (i0 * p->a0 + i1 * p->a1 + i2 * p->a2);                      \
          const type *const y = b + (i0 * p->b0 + i1 * p->b1 + i2 * p->b2);                      \
          for (int32_t i3 = 0; i3 < p->n3; ++i3) {                                               \
            *output++ = z[i3 * p->c3] != 0 ? x[i3 * p->a3] : y[i3 * p->b3];                      \
          }                                                                                      \
        }                                                                                        \
      }                                                                                          \
    }                                                                                            \
  }
