/* needs: cast_type */
/* CAST. */
typedef cast_t cast_bool_f32_t;

CAST(cast_bool_f32, uint8_t, float, x != 0 ? 1.0f : 0.0f)
