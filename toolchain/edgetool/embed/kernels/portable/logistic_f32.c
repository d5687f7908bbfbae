/* needs: unary_f32_type */
typedef unary_f32_t logistic_f32_t;

UNARY(logistic_f32, 1.0f / (1.0f + expf(-x)))
