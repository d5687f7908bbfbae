/* needs: gather_type */
/* GATHER. */
typedef gather_t gather_s16_t;

GATHER(gather_s16, int16_t)
