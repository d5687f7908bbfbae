/* needs: reduce_type */
/* REDUCE_MAX. */
typedef reduce_t reduce_max_s32_t;

REDUCE(reduce_max_s32, int32_t, >)
