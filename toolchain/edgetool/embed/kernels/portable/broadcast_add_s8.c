/* needs: broadcast add_s8_one */
/* ADD of two tensors, one of them repeated, or a constant. */
typedef struct {
  broadcast_t shape;
  sum_s8_scales_t scales;
} broadcast_add_s8_t;

static int8_t broadcast_add_s8_one(const broadcast_add_s8_t *p, int32_t a, int32_t b) {
  return add_s8_one(&p->scales, a, b);
}

BROADCAST(broadcast_add_s8, int8_t)
