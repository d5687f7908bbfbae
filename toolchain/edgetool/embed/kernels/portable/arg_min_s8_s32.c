/* needs: arg_min_type */
/* ARG_MIN. */
typedef arg_min_t arg_min_s8_s32_t;

ARG_MIN(arg_min_s8_s32, int8_t, int32_t)
