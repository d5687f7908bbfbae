/* needs: gather_type */
/* GATHER. */
typedef gather_t gather_s32_t;

GATHER(gather_s32, int32_t)
