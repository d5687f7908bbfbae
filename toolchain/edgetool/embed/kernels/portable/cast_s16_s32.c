/* needs: cast_type */
/* CAST. */
typedef cast_t cast_s16_s32_t;

CAST(cast_s16_s32, int16_t, int32_t, x)
