/* needs: unary_f32_type */
typedef unary_f32_t round_f32_t;

UNARY(round_f32, nearbyintf(x))
