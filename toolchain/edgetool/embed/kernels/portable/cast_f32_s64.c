/* needs: cast_type */
/* CAST. */
typedef cast_t cast_f32_s64_t;

CAST(cast_f32_s64, float, int64_t, x)
