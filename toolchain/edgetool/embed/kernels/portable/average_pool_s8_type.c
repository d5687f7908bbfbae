/* Of AVERAGE_POOL_2D in 8 bits. */
typedef struct {
  int32_t in_h, in_w, channels, out_h, out_w;
  int32_t kernel_h, kernel_w, stride_h, stride_w, pad_top, pad_left, low, high;
} average_pool_s8_t;
