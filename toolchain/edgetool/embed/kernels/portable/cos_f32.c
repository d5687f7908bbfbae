/* needs: unary_f32_type */
typedef unary_f32_t cos_f32_t;

UNARY(cos_f32, cosf(x))
