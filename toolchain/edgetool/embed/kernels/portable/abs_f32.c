/* needs: unary_f32_type */
typedef unary_f32_t abs_f32_t;

UNARY(abs_f32, fabsf(x))
