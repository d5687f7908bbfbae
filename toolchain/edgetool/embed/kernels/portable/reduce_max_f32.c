/* needs: reduce_type */
/* REDUCE_MAX. */
typedef reduce_t reduce_max_f32_t;

REDUCE(reduce_max_f32, float, >)
