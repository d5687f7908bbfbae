/* needs: unary_f32_type */
typedef unary_f32_t relu_f32_t;

UNARY(relu_f32, x < 0.0f ? 0.0f : x)
