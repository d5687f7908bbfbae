/* needs: cast_type */
/* CAST. */
typedef cast_t cast_s32_f32_t;

CAST(cast_s32_f32, int32_t, float, x)
