/* needs: unary_f32_type */
typedef unary_f32_t rsqrt_f32_t;

UNARY(rsqrt_f32, 1.0f / sqrtf(x))
