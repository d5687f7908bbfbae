/* Of transposed convolutions. */
typedef struct {
  int32_t in_h, in_w, in_c, out_h, out_w, out_c;
  int32_t kernel_h, kernel_w, stride_h, stride_w, pad_top, pad_left;
} transpose_conv_t;

/* Where along an axis the input lies that a kernel's tap brings to `position`; -1: nowhere. */
static int32_t transpose_conv_source(int32_t position, int32_t stride, int32_t size) {
  const int32_t source = position / stride;
  return position >= 0 && source < size && source * stride == position ? source : -1;
}
