/* needs: unary_f32_type */
typedef unary_f32_t log_f32_t;

UNARY(log_f32, logf(x))
