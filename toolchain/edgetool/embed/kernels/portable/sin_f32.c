/* needs: unary_f32_type */
typedef unary_f32_t sin_f32_t;

UNARY(sin_f32, sinf(x))
