/* needs: broadcast */
/* MAXIMUM of stored values of one scale. */
typedef struct {
  broadcast_t shape;
} maximum_s8_t;

static int8_t maximum_s8_one(const maximum_s8_t *p, int8_t a, int8_t b) {
  (void)p;
  return a > b ? a : b;
}

BROADCAST(maximum_s8, int8_t)
