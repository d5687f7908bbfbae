/* Of operators of two inputs: the result's sizes, and how far apart elements lie in each input (0: repeated). */
typedef struct {
  int32_t n0, n1, n2, n3;
  int32_t a0, a1, a2, a3;
  int32_t b0, b1, b2, b3;
} broadcast_t;

/* Defines the kernel `name` of parameters `name_t`, which calls `name_one` for every pair of elements. */
#define BROADCAST(name, type)                                                                    \
  NOINLINE static void name(const name##_t *p, const type *a, const type *b, type *output) {     \
    const broadcast_t *const s = &p->shape;                                                      \
    for (int32_t i0 = 0; i0 < s->n0; ++i0) {                                                     \
      for (int32_t i1 = 0; i1 < s->n1; ++i1) {                                                   \
        for (int32_t i2 = 0; i2 < s->n2; ++i2) {                                                 \
          const type *const x = a + (i0 * s->a0 + i1 * s->a1 + i2 * s->a2);                      \
          const type *const y = b + (i0 * s->b0 + i1 * s->b1 + i2 * s->b2);                      \
          for (int32_t i3 = 0; i3 < s->n3; ++i3) {                                               \
            *output++ = name##_one(p, x[i3 * s->a3], y[i3 * s->b3]);                             \
          }                                                                                      \
        }                                                                                        \
      }                                                                                          \
    }                                                                                            \
  }
