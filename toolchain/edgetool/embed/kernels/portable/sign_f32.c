/* needs: unary_f32_type */
typedef unary_f32_t sign_f32_t;

UNARY(sign_f32, x > 0.0f ? 1.0f : (x < 0.0f ? -1.0f : x))
