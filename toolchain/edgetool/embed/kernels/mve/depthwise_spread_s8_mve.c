/* needs: depthwise_spread depthwise_rows_s8_mve */
/* DEPTHWISE_CONV_2D of any dilation and any number of outputs a channel, as depthwise_rows_s8_mve. Output may be the
   input where strides are 1 and no size changes. */
typedef depthwise_conv_s8_t depthwise_spread_s8_mve_t;

NOINLINE static void depthwise_spread_s8_mve(const depthwise_conv_s8_t *p, const int8_t *input, int8_t *output,
                                             void *scratch) {
  depthwise_spread_t spread = depthwise_spread_begin(p, p->out_c, scratch);
  for (int32_t y = 0; y < p->out_h; ++y) {
    depthwise_spread_advance(&spread, p, input, y);
    for (int32_t x = 0; x < p->out_w; ++x) {
      const int32_t offset = depthwise_spread_column(&spread, x * p->stride_w, p->dilation_w);
      depthwise_rows_s8_mve_pixel(p, spread.rows, offset, output);
      output += p->out_c;
    }
  }
}
