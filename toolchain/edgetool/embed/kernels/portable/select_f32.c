/* needs: select_type */
/* SELECT: of two tensors by a condition. */
typedef select_t select_f32_t;

SELECT(select_f32, float)
