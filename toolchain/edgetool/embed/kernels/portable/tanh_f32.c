/* needs: unary_f32_type */
typedef unary_f32_t tanh_f32_t;

UNARY(tanh_f32, tanhf(x))
