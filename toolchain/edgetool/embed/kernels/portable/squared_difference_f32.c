/* needs: broadcast clamp_f32 */
/* SQUARED_DIFFERENCE. */
typedef struct {
  broadcast_t shape;
  float low, high;
} squared_difference_f32_t;

static float squared_difference_f32_one(const squared_difference_f32_t *p, float a, float b) {
  return clamp_f32((a - b) * (a - b), p->low, p->high);
}

BROADCAST(squared_difference_f32, float)
