/* needs: broadcast clamp_f32 */
/* ADD. */
typedef struct {
  broadcast_t shape;
  float low, high;
} add_f32_t;

static float add_f32_one(const add_f32_t *p, float a, float b) {
  return clamp_f32(a + b, p->low, p->high);
}

BROADCAST(add_f32, float)
