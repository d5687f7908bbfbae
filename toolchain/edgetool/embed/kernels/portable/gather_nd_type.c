/* Of GATHER_ND: slices, each by an index along the first axes. */
typedef struct {
  int32_t num_indices, depth, num_inner;
  const int32_t *sizes; /* [depth], of those axes */
} gather_nd_t;

/* Defines the kernel `name` for elements of `type`; an index outside of an axis reads its nearest end. */
#define GATHER_ND(name, type)                                                                       \
  static void name(const gather_nd_t *p, const type *table, const int32_t *indices, type *output) { \
    for (int32_t i = 0; i < p->num_indices; ++i) {                                                  \
      int32_t row = 0;                                                                              \
      for (int32_t axis = 0; axis < p->depth; ++axis) {                                             \
        const int32_t index = *indices++, last = p->sizes[axis] - 1;                                \
        row = row * p->sizes[axis] + (index < 0 ? 0 : (index > last ? last : index));               \
      }                                                                                             \
      memcpy(output, table + row * p->num_inner, (size_t)p->num_inner * sizeof *output);            \
      output += p->num_inner;                                                                       \
    }                                                                                               \
  }
