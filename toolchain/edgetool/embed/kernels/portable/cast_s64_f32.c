/* needs: cast_type */
/* CAST. */
typedef cast_t cast_s64_f32_t;

CAST(cast_s64_f32, int64_t, float, x)
