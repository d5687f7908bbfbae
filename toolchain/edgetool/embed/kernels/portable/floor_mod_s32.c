/* needs: broadcast clamp_s32 */
/* FLOOR_MOD of plain integers: of the sign of the divisor; a divisor of 0 gives 0. */
typedef struct {
  broadcast_t shape;
  int32_t low, high;
} floor_mod_s32_t;

static int32_t floor_mod_s32_one(const floor_mod_s32_t *p, int32_t a, int32_t b) {
  const int64_t rest = b == 0 ? 0 : (int64_t)a % b;
  return clamp_s32(rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest, p->low, p->high);
}

BROADCAST(floor_mod_s32, int32_t)
