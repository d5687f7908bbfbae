/* needs: unary_f32_type */
typedef unary_f32_t gelu_tanh_f32_t;

UNARY(gelu_tanh_f32, 0.5f * x * (1.0f + tanhf(0.797884561f * (x + 0.044715f * x * x * x))))
