/* needs: broadcast */
/* MINIMUM of stored values of one scale. */
typedef struct {
  broadcast_t shape;
} minimum_s8_t;

static int8_t minimum_s8_one(const minimum_s8_t *p, int8_t a, int8_t b) {
  (void)p;
  return a < b ? a : b;
}

BROADCAST(minimum_s8, int8_t)
