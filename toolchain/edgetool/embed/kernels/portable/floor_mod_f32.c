/* needs: broadcast clamp_f32 math */
/* FLOOR_MOD: of the sign of the divisor. */
typedef struct {
  broadcast_t shape;
  float low, high;
} floor_mod_f32_t;

static float floor_mod_f32_one(const floor_mod_f32_t *p, float a, float b) {
  const float rest = fmodf(a, b);
  const int has_other_sign = (b < 0.0f) != (rest < 0.0f);
  return clamp_f32(rest < 0.0f || rest > 0.0f ? (has_other_sign ? rest + b : rest) : rest, p->low, p->high);
}

BROADCAST(floor_mod_f32, float)
