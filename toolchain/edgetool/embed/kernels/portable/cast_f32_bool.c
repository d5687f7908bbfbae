/* needs: cast_type */
/* CAST. */
typedef cast_t cast_f32_bool_t;

CAST(cast_f32_bool, float, uint8_t, !(x >= 0.0f && x <= 0.0f))
