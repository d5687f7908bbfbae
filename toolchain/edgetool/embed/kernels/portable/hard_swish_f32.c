/* needs: unary_f32_type */
typedef unary_f32_t hard_swish_f32_t;

UNARY(hard_swish_f32, x * (x <= -3.0f ? 0.0f : (x >= 3.0f ? 6.0f : x + 3.0f)) / 6.0f)
