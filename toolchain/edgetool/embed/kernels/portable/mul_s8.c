/* needs: broadcast rescale_twice clamp_s8 */
/* MUL. */
typedef struct {
  broadcast_t shape;
  int32_t zero_0, zero_1, multiplier, shift, out_zero, low, high;
} mul_s8_t;

static int8_t mul_s8_one(const mul_s8_t *p, int32_t a, int32_t b) {
  const int32_t product = (a - p->zero_0) * (b - p->zero_1);
  return clamp_s8(rescale_twice(product, p->multiplier, p->shift) + p->out_zero, p->low, p->high);
}

BROADCAST(mul_s8, int8_t)
