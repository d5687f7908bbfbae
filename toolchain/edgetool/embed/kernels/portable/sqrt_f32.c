/* needs: unary_f32_type */
typedef unary_f32_t sqrt_f32_t;

UNARY(sqrt_f32, sqrtf(x))
