/* needs: arg_min_type */
/* ARG_MIN. */
typedef arg_min_t arg_min_f32_s32_t;

ARG_MIN(arg_min_f32_s32, float, int32_t)
