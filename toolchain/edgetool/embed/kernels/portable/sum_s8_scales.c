/* Of sums and differences: how both inputs come to one scale, and the result to its own. */
typedef struct {
  int32_t left_shift;
  int32_t zero_0, multiplier_0, shift_0;
  int32_t zero_1, multiplier_1, shift_1;
  int32_t out_multiplier, out_shift, out_zero, low, high;
} sum_s8_scales_t;
