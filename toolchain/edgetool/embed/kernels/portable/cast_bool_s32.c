/* needs: cast_type */
/* CAST. */
typedef cast_t cast_bool_s32_t;

CAST(cast_bool_s32, uint8_t, int32_t, x != 0)
