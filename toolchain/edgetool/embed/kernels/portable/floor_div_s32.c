/* needs: broadcast clamp_s32 */
/* FLOOR_DIV of plain integers; a divisor of 0, which LiteRT refuses, gives 0. */
typedef struct {
  broadcast_t shape;
  int32_t low, high;
} floor_div_s32_t;

static int32_t floor_div_s32_one(const floor_div_s32_t *p, int32_t a, int32_t b) {
  const int64_t rest = b == 0 ? 0 : (int64_t)a % b;
  const int64_t whole = b == 0 ? 0 : (int64_t)a / b;
  return clamp_s32(rest != 0 && (rest < 0) != (b < 0) ? whole - 1 : whole, p->low, p->high);
}

BROADCAST(floor_div_s32, int32_t)
