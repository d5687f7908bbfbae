/* needs: broadcast clamp_s32 */
/* DIV of plain integers, towards 0; a divisor of 0, which LiteRT refuses, gives 0. */
typedef struct {
  broadcast_t shape;
  int32_t low, high;
} div_s32_t;

static int32_t div_s32_one(const div_s32_t *p, int32_t a, int32_t b) {
  return clamp_s32(b == 0 ? 0 : (int64_t)a / b, p->low, p->high);
}

BROADCAST(div_s32, int32_t)
