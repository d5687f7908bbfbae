/* needs: reduce_type */
/* REDUCE_MAX. */
typedef reduce_t reduce_max_s16_t;

REDUCE(reduce_max_s16, int16_t, >)
