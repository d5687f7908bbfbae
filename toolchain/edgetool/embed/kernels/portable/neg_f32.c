/* needs: unary_f32_type */
typedef unary_f32_t neg_f32_t;

UNARY(neg_f32, -x)
