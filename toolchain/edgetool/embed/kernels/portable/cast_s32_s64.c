/* needs: cast_type */
/* CAST. */
typedef cast_t cast_s32_s64_t;

CAST(cast_s32_s64, int32_t, int64_t, x)
