/* needs: broadcast clamp_f32 math */
/* POW. */
typedef struct {
  broadcast_t shape;
  float low, high;
} pow_f32_t;

static float pow_f32_one(const pow_f32_t *p, float a, float b) {
  return clamp_f32(powf(a, b), p->low, p->high);
}

BROADCAST(pow_f32, float)
