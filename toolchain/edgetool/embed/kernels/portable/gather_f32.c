/* needs: gather_type */
/* GATHER. */
typedef gather_t gather_f32_t;

GATHER(gather_f32, float)
