/* needs: broadcast rescale_twice clamp_s16 */
/* MUL of 16-bit activations. The rounding is that of 8 bits; what 16 bits show, 1 result in some thousands being a step
   off otherwise, is that LiteRT computes the multiplier in single precision: `mul_factor` in ops/binary.py. */
typedef struct {
  broadcast_t shape;
  int32_t multiplier, shift, low, high;
} mul_s16_t;

static int16_t mul_s16_one(const mul_s16_t *p, int32_t a, int32_t b) {
  return clamp_s16(rescale_twice(a * b, p->multiplier, p->shift), p->low, p->high);
}

BROADCAST(mul_s16, int16_t)
