/* needs: select_type */
/* SELECT: of two tensors by a condition. */
typedef select_t select_s32_t;

SELECT(select_s32, int32_t)
