/* needs: reduce_type */
/* REDUCE_MIN. */
typedef reduce_t reduce_min_s16_t;

REDUCE(reduce_min_s16, int16_t, <)
