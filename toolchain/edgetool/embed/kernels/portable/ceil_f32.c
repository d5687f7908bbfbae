/* needs: unary_f32_type */
typedef unary_f32_t ceil_f32_t;

UNARY(ceil_f32, ceilf(x))
