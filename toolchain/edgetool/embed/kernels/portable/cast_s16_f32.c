/* needs: cast_type */
/* CAST. */
typedef cast_t cast_s16_f32_t;

CAST(cast_s16_f32, int16_t, float, x)
