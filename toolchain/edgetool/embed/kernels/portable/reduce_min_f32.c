/* needs: reduce_type */
/* REDUCE_MIN. */
typedef reduce_t reduce_min_f32_t;

REDUCE(reduce_min_f32, float, <)
