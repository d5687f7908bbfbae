/* needs: broadcast clamp_s32 */
/* MAXIMUM of plain integers. */
typedef struct {
  broadcast_t shape;
  int32_t low, high;
} maximum_s32_t;

static int32_t maximum_s32_one(const maximum_s32_t *p, int32_t a, int32_t b) {
  return clamp_s32(a > b ? a : b, p->low, p->high);
}

BROADCAST(maximum_s32, int32_t)
