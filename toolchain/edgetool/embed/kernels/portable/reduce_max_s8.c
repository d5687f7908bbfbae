/* needs: reduce_type */
/* REDUCE_MAX. */
typedef reduce_t reduce_max_s8_t;

REDUCE(reduce_max_s8, int8_t, >)
