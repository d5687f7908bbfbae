/* needs: cast_type */
/* CAST. */
typedef cast_t cast_s64_s32_t;

CAST(cast_s64_s32, int64_t, int32_t, x)
