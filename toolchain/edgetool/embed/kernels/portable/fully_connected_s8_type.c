/* Of fully connected layers: sizes, weights and scales. */
typedef struct {
  const void *weights; /* [num_outputs][num_inputs] */
  const int32_t *biases; /* [num_outputs], the input's zero point taken off */
  const int32_t *multipliers;
  const int8_t *shifts;
  int32_t num_rows, num_inputs, num_outputs;
  int32_t scale_step; /* 1: each output has a multiplier and shift of its own; 0: all have the first */
  int32_t out_zero, low, high;
} fully_connected_s8_t;
