/* Of GATHER: slices along one axis, by index. */
typedef struct {
  int32_t num_outer, num_rows, num_indices, num_inner;
} gather_t;

/* Defines the kernel `name` for elements of `type`; an index outside of the table reads its nearest row. */
#define GATHER(name, type)                                                                       \
  static void name(const gather_t *p, const type *table, const int32_t *indices, type *output) { \
    for (int32_t outer = 0; outer < p->num_outer; ++outer) {                                     \
      for (int32_t i = 0; i < p->num_indices; ++i) {                                             \
        const int32_t last = p->num_rows - 1;                                                    \
        const int32_t row = indices[i] < 0 ? 0 : (indices[i] > last ? last : indices[i]);        \
        memcpy(output, table + (outer * p->num_rows + row) * p->num_inner,                       \
               (size_t)p->num_inner * sizeof *output);                                           \
        output += p->num_inner;                                                                  \
      }                                                                                          \
    }                                                                                            \
  }
