/* needs: copy_type */
/* Elements from one arrangement to another: transposed, cut out, put together, repeated. */
typedef copy_t copy_s32_t;

COPY(copy_s32, int32_t)
