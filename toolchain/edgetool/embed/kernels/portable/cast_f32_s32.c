/* needs: cast_type */
/* CAST; what is too large for the type is its end. */
typedef cast_t cast_f32_s32_t;

CAST(cast_f32_s32, float, int32_t, x >= 2147483648.0f ? INT32_MAX : (x > -2147483648.0f ? (int32_t)x : INT32_MIN))
