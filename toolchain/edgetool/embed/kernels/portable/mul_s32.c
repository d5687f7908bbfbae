/* needs: broadcast clamp_s32 */
/* MUL of plain integers. */
typedef struct {
  broadcast_t shape;
  int32_t low, high;
} mul_s32_t;

static int32_t mul_s32_one(const mul_s32_t *p, int32_t a, int32_t b) {
  return clamp_s32((int64_t)a * b, p->low, p->high);
}

BROADCAST(mul_s32, int32_t)
