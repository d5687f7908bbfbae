/* needs: copy_type */
/* Elements from one arrangement to another: transposed, cut out, put together, repeated. */
typedef copy_t copy_s16_t;

COPY(copy_s16, int16_t)
