/* needs: broadcast difference_s8 clamp_s8 */
/* SUB: scaled as ADD is. */
typedef struct {
  broadcast_t shape;
  sum_s8_scales_t scales;
} sub_s8_t;

static int8_t sub_s8_one(const sub_s8_t *p, int32_t a, int32_t b) {
  const sum_s8_scales_t *const s = &p->scales;
  const int32_t difference = difference_s8(s, a, b);
  return clamp_s8(rescale_twice(difference, s->out_multiplier, s->out_shift) + s->out_zero, s->low, s->high);
}

BROADCAST(sub_s8, int8_t)
