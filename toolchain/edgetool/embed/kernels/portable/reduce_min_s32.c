/* needs: reduce_type */
/* REDUCE_MIN. */
typedef reduce_t reduce_min_s32_t;

REDUCE(reduce_min_s32, int32_t, <)
