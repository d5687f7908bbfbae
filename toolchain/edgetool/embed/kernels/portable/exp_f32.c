/* needs: unary_f32_type */
typedef unary_f32_t exp_f32_t;

UNARY(exp_f32, expf(x))
