/* What a convolution of one pixel needs. */
typedef struct {
  const void *weights; /* [out_c][in_c] */
  const int32_t *biases; /* [out_c], the input's zero point taken off */
  const int32_t *multipliers;
  const int8_t *shifts;
  int32_t num_pixels, in_c, out_c, out_zero, low, high;
} pointwise_conv_s8_t;
