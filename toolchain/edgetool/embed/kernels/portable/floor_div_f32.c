/* needs: broadcast clamp_f32 math */
/* FLOOR_DIV. */
typedef struct {
  broadcast_t shape;
  float low, high;
} floor_div_f32_t;

static float floor_div_f32_one(const floor_div_f32_t *p, float a, float b) {
  return clamp_f32(floorf(a / b), p->low, p->high);
}

BROADCAST(floor_div_f32, float)
