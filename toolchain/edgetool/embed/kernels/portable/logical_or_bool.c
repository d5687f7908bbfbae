/* needs: broadcast */
/* LOGICAL_OR. */
typedef struct {
  broadcast_t shape;
} logical_or_bool_t;

static uint8_t logical_or_bool_one(const logical_or_bool_t *p, uint8_t a, uint8_t b) {
  (void)p;
  return (uint8_t)(a != 0 || b != 0);
}

BROADCAST(logical_or_bool, uint8_t)
