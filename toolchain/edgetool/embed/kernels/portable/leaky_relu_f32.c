/* needs: unary_f32_type */
typedef unary_f32_t leaky_relu_f32_t;

UNARY(leaky_relu_f32, x < 0.0f ? x * p->alpha : x)
