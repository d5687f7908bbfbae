/* needs: broadcast clamp_f32 */
/* MINIMUM. */
typedef struct {
  broadcast_t shape;
  float low, high;
} minimum_f32_t;

static float minimum_f32_one(const minimum_f32_t *p, float a, float b) {
  return clamp_f32(a < b ? a : b, p->low, p->high);
}

BROADCAST(minimum_f32, float)
