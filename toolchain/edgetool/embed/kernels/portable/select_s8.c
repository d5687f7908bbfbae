/* needs: select_type */
/* SELECT: of two tensors by a condition. */
typedef select_t select_s8_t;

SELECT(select_s8, int8_t)
