/* needs: unary_f32_type */
typedef unary_f32_t relu_n1_to_1_f32_t;

UNARY(relu_n1_to_1_f32, x < -1.0f ? -1.0f : (x > 1.0f ? 1.0f : x))
