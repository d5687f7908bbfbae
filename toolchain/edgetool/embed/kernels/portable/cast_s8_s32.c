/* needs: cast_type */
/* CAST; of the numbers that are stored. */
typedef cast_t cast_s8_s32_t;

CAST(cast_s8_s32, int8_t, int32_t, x)
