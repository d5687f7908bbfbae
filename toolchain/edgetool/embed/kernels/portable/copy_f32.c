/* needs: copy_type */
/* Elements from one arrangement to another: transposed, cut out, put together, repeated. */
typedef copy_t copy_f32_t;

COPY(copy_f32, float)
