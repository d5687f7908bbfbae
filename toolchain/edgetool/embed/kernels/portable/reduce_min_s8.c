/* needs: reduce_type */
/* REDUCE_MIN. */
typedef reduce_t reduce_min_s8_t;

REDUCE(reduce_min_s8, int8_t, <)
