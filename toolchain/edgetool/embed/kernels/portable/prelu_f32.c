/* needs: broadcast */
/* PRELU. */
typedef struct {
  broadcast_t shape;
} prelu_f32_t;

static float prelu_f32_one(const prelu_f32_t *p, float a, float slope) {
  (void)p;
  return a >= 0.0f ? a : a * slope;
}

BROADCAST(prelu_f32, float)
