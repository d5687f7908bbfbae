/* needs: broadcast clamp_f32 */
/* DIV. */
typedef struct {
  broadcast_t shape;
  float low, high;
} div_f32_t;

static float div_f32_one(const div_f32_t *p, float a, float b) {
  return clamp_f32(a / b, p->low, p->high);
}

BROADCAST(div_f32, float)
