/* Of products of matrices: sizes, and how far apart elements lie along both axes of each. */
typedef struct {
  int32_t num_batches, repeat_a, repeat_b; /* so many batches in turn take one matrix */
  int32_t rows, depth, columns;
  int32_t a_row, a_depth, b_depth, b_column;
} batch_matmul_t;
