/* Of depthwise convolutions: sizes, weights and scales. */
typedef struct {
  const void *weights; /* [kernel_h][kernel_w][out_c] */
  const int32_t *biases; /* [out_c], the input's zero point taken off */
  const int32_t *multipliers;
  const int8_t *shifts;
  int32_t in_h, in_w, in_c, out_h, out_w, out_c;
  int32_t kernel_h, kernel_w, stride_h, stride_w, dilation_h, dilation_w, pad_top, pad_left;
  int32_t in_zero, out_zero, low, high;
} depthwise_conv_s8_t;
