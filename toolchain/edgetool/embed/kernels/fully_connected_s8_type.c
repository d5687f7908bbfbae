/* Of fully connected layers: sizes, weights and scales. */
typedef struct {
  const void *weights; /* [num_outputs][num_inputs] */
  const int32_t *biases; /* [num_outputs], the input's zero point taken off */
  const int32_t *multipliers;
  const int8_t *shifts;
  int32_t num_rows, num_inputs, num_outputs, out_zero, low, high;
} fully_connected_s8_t;
