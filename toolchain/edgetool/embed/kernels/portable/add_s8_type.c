/* needs: sum_s8_scales */
/* Of additions: how many, and their scales. */
typedef struct {
  int32_t num_elements;
  sum_s8_scales_t scales;
} add_s8_t;
