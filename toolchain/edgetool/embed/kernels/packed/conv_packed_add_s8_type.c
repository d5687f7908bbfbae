/* needs: conv_packed_s8_type */
/* With the ADD behind the convolution; output may be the other summand. */
typedef struct {
  conv_packed_s8_t conv;
  sum_s8_scales_t scales;
} conv_packed_add_s8_t;
