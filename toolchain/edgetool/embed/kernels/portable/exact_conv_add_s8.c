/* needs: conv_s8_patch exact_s8 exact_dot_s8 add_s8_one */
/* Some channels of a CONV_2D and the ADD behind it; weights lie as for conv_s8. */
typedef struct {
  conv_s8_t layer; /* out_c: those channels alone */
  sum_s8_scales_t scales;
  const int32_t *channels; /* [num_apart], which they are */
  int32_t num_apart, num_channels, num_pixels;
} exact_conv_add_s8_t;

static void exact_conv_add_s8(const exact_conv_add_s8_t *p, const int8_t *input, const int8_t *other, int8_t *output,
                              void *scratch) {
  const conv_s8_t *const conv = &p->layer;
  int8_t *const patch = (int8_t *)scratch;
  const int32_t depth = conv->kernel_h * conv->kernel_w * conv->in_c;
  for (int32_t y = 0; y < conv->out_h; ++y) {
    for (int32_t x = 0; x < conv->out_w; ++x) {
      conv_s8_patch(conv, input, y * conv->stride_h - conv->pad_top, x * conv->stride_w - conv->pad_left, patch);
      for (int32_t c = 0; c < p->num_apart; ++c) {
        const int32_t sum = exact_dot_s8(conv->biases[c], (const int8_t *)conv->weights + c * depth, patch, depth);
        const int64_t value = exact_twice(sum, conv->multipliers[c], conv->shifts[c]);
        const int8_t made = exact_store_s8(value, conv->out_zero, conv->low, conv->high);
        *output++ = add_s8_one(&p->scales, made, other[p->channels[c]]);
      }
      other += p->num_channels;
    }
  }
}
