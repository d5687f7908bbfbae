/* needs: unary_f32_type */
typedef unary_f32_t square_f32_t;

UNARY(square_f32, x * x)
