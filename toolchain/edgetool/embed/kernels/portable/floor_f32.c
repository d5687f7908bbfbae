/* needs: unary_f32_type */
typedef unary_f32_t floor_f32_t;

UNARY(floor_f32, floorf(x))
