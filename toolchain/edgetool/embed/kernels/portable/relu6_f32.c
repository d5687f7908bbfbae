/* needs: unary_f32_type */
typedef unary_f32_t relu6_f32_t;

UNARY(relu6_f32, x < 0.0f ? 0.0f : (x > 6.0f ? 6.0f : x))
