/* needs: broadcast clamp_f32 */
/* MUL. */
typedef struct {
  broadcast_t shape;
  float low, high;
} mul_f32_t;

static float mul_f32_one(const mul_f32_t *p, float a, float b) {
  return clamp_f32(a * b, p->low, p->high);
}

BROADCAST(mul_f32, float)
