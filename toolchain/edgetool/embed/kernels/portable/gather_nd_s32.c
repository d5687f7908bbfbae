/* needs: gather_nd_type */
/* GATHER_ND. */
typedef gather_nd_t gather_nd_s32_t;

GATHER_ND(gather_nd_s32, int32_t)
