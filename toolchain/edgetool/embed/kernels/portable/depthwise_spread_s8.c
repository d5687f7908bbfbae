/* needs: depthwise_spread depthwise_rows_s8 */
/* DEPTHWISE_CONV_2D of any dilation, any number of outputs a channel and any number of channels, as depthwise_rows_s8;
   weights, biases and scales are filled up to a multiple of four channels. Output may be the input where strides are 1
   and no size changes. */
typedef depthwise_conv_s8_t depthwise_spread_s8_t;

NOINLINE static void depthwise_spread_s8(const depthwise_conv_s8_t *p, const int8_t *input, int8_t *output,
                                         void *scratch) {
  depthwise_conv_s8_t filled = *p;
  filled.out_c = (p->out_c + 3) & ~3;
  depthwise_spread_t spread = depthwise_spread_begin(p, filled.out_c, scratch);
  int8_t *const made = spread.ring + spread.num_rows * spread.phase * p->dilation_w; /* a pixel */
  const int32_t out_c = p->out_c;
  for (int32_t y = 0; y < p->out_h; ++y) {
    int8_t *const start = output;
    depthwise_spread_advance(&spread, p, input, y);
    for (int32_t x = 0; x < p->out_w; ++x) {
      const int32_t offset = depthwise_spread_column(&spread, x * p->stride_w, p->dilation_w);
      depthwise_rows_s8_pixel(&filled, spread.rows, offset, made);
      memcpy(output, made, (size_t)out_c);
      output += out_c;
    }
    clamp_all_s8(start, p->out_w * out_c, p->low, p->high);
  }
}
