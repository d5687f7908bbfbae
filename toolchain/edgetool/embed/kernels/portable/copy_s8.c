/* needs: copy_type */
/* Elements from one arrangement to another: transposed, cut out, put together, repeated. */
typedef copy_t copy_s8_t;

COPY(copy_s8, int8_t)
