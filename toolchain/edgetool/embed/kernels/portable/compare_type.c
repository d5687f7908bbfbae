/* needs: broadcast */
/* Of comparisons: the result is 1 where they hold, else 0. */
typedef struct {
  broadcast_t shape;
  int32_t below, equal, above; /* what the result is for a less than b, and so on */
} compare_t;

/* Defines the kernel `name` for elements of `type`; what is not a number differs from all. */
#define COMPARE(name, type)                                                                      \
  NOINLINE static void name(const compare_t *p, const type *a, const type *b, uint8_t *output) { \
    const broadcast_t *const s = &p->shape;                                                      \
    for (int32_t i0 = 0; i0 < s->n0; ++i0) {                                                     \
      for (int32_t i1 = 0; i1 < s->n1; ++i1) {                                                   \
        for (int32_t i2 = 0; i2 < s->n2; ++i2) {                                                 \
          const type *const x = a + (i0 * s->a0 + i1 * s->a1 + i2 * s->a2);                      \
          const type *const y = b + (i0 * s->b0 + i1 * s->b1 + i2 * s->b2);                      \
          for (int32_t i3 = 0; i3 < s->n3; ++i3) {                                               \
            const type u = x[i3 * s->a3], v = y[i3 * s->b3];                                     \
            const int32_t differs = p->below != 0 && p->above != 0;                              \
            *output++ = (uint8_t)(u < v ? p->below : (u > v ? p->above : (u >= v ? p->equal : differs))); \
          }                                                                                      \
        }                                                                                        \
      }                                                                                          \
    }                                                                                            \
  }
