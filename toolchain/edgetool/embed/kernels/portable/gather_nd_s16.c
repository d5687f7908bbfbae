/* needs: gather_nd_type */
/* GATHER_ND. */
typedef gather_nd_t gather_nd_s16_t;

GATHER_ND(gather_nd_s16, int16_t)
