/* needs: broadcast clamp_f32 */
/* SUB. */
typedef struct {
  broadcast_t shape;
  float low, high;
} sub_f32_t;

static float sub_f32_one(const sub_f32_t *p, float a, float b) {
  return clamp_f32(a - b, p->low, p->high);
}

BROADCAST(sub_f32, float)
