/* needs: broadcast */
/* MINIMUM of stored 16-bit values of one scale. */
typedef struct {
  broadcast_t shape;
} minimum_s16_t;

static int16_t minimum_s16_one(const minimum_s16_t *p, int16_t a, int16_t b) {
  (void)p;
  return a < b ? a : b;
}

BROADCAST(minimum_s16, int16_t)
