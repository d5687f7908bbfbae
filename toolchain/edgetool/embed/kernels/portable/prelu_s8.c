/* needs: broadcast rescale_twice clamp_s8 */
/* PRELU: what is below zero is multiplied by a slope of its channel. */
typedef struct {
  broadcast_t shape;
  int32_t zero_0, zero_1, multiplier, shift, slope_multiplier, slope_shift, out_zero;
} prelu_s8_t;

static int8_t prelu_s8_one(const prelu_s8_t *p, int32_t a, int32_t slope) {
  const int32_t x = a - p->zero_0;
  const int32_t value = x >= 0 ? rescale_twice(x, p->multiplier, p->shift)
                               : rescale_twice(x * (slope - p->zero_1), p->slope_multiplier, p->slope_shift);
  return clamp_s8(value + p->out_zero, INT8_MIN, INT8_MAX);
}

BROADCAST(prelu_s8, int8_t)
