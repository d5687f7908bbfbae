/* needs: gather_nd_type */
/* GATHER_ND. */
typedef gather_nd_t gather_nd_s8_t;

GATHER_ND(gather_nd_s8, int8_t)
