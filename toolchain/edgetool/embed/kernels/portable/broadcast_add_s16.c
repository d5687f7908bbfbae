/* needs: broadcast sum_s8_scales rescale_twice clamp_s16 */
/* ADD of 16-bit activations. */
typedef struct {
  broadcast_t shape;
  sum_s8_scales_t scales;
} broadcast_add_s16_t;

static int16_t broadcast_add_s16_one(const broadcast_add_s16_t *p, int32_t a, int32_t b) {
  const sum_s8_scales_t *const s = &p->scales;
  const int32_t unit = (int32_t)1 << s->left_shift;
  const int32_t x = rescale_twice((a - s->zero_0) * unit, s->multiplier_0, s->shift_0);
  const int32_t y = rescale_twice((b - s->zero_1) * unit, s->multiplier_1, s->shift_1);
  return clamp_s16(rescale_twice(x + y, s->out_multiplier, s->out_shift) + s->out_zero, s->low, s->high);
}

BROADCAST(broadcast_add_s16, int16_t)
