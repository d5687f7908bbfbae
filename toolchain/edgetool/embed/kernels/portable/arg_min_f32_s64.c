/* needs: arg_min_type */
/* ARG_MIN. */
typedef arg_min_t arg_min_f32_s64_t;

ARG_MIN(arg_min_f32_s64, float, int64_t)
