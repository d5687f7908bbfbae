/* needs: cast_type */
/* CAST. */
typedef cast_t cast_s32_bool_t;

CAST(cast_s32_bool, int32_t, uint8_t, x != 0)
