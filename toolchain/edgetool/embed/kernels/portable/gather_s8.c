/* needs: gather_type */
/* GATHER. */
typedef gather_t gather_s8_t;

GATHER(gather_s8, int8_t)
