/* needs: broadcast clamp_f32 */
/* MAXIMUM. */
typedef struct {
  broadcast_t shape;
  float low, high;
} maximum_f32_t;

static float maximum_f32_one(const maximum_f32_t *p, float a, float b) {
  return clamp_f32(a > b ? a : b, p->low, p->high);
}

BROADCAST(maximum_f32, float)
