/* needs: packed_s8 fully_connected_s8_type rescale_once rescale_twice clamp_s8 */
/* Of FULLY_CONNECTED with packed weights, and of a CONV_2D whose one patch is the whole image, which rounds twice. */
typedef struct {
  fully_connected_s8_t layer; /* weights: codes */
  packed_s8_t packed;
  int32_t rounds; /* how often sums are rounded on their way to the output: 1 or 2 */
} fully_connected_packed_s8_t;

INLINE int8_t fully_connected_packed_s8_output(const fully_connected_packed_s8_t *p, int32_t i, int32_t sum) {
  const int32_t multiplier = p->layer.multipliers[i * p->layer.scale_step];
  const int shift = p->layer.shifts[i * p->layer.scale_step];
  sum += p->layer.biases[i];
  sum = p->rounds == 1 ? rescale_once(sum, multiplier, shift) : rescale_twice(sum, multiplier, shift);
  return clamp_s8(sum + p->layer.out_zero, p->layer.low, p->layer.high);
}
