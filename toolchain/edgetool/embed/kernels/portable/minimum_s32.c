/* needs: broadcast clamp_s32 */
/* MINIMUM of plain integers. */
typedef struct {
  broadcast_t shape;
  int32_t low, high;
} minimum_s32_t;

static int32_t minimum_s32_one(const minimum_s32_t *p, int32_t a, int32_t b) {
  return clamp_s32(a < b ? a : b, p->low, p->high);
}

BROADCAST(minimum_s32, int32_t)
