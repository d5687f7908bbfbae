/* needs: unary_f32_type */
typedef unary_f32_t elu_f32_t;

UNARY(elu_f32, x < 0.0f ? expm1f(x) : x)
