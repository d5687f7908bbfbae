/* needs: select_type */
/* SELECT: of two tensors by a condition. */
typedef select_t select_s16_t;

SELECT(select_s16, int16_t)
