/* needs: unary_f32_type */
typedef unary_f32_t gelu_f32_t;

UNARY(gelu_f32, 0.5f * x * (1.0f + erff(x * 0.707106781f)))
