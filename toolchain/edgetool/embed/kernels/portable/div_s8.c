/* needs: broadcast reciprocal rescale_twice clamp_s8 */
/* DIV, by a reciprocal in fixed point. What divides by zero, which LiteRT refuses, gives the result's zero point. */
typedef struct {
  broadcast_t shape;
  int32_t zero_0, zero_1, multiplier, shift, out_zero, low, high;
} div_s8_t;

/* As rescale_twice, and where the shift is 32 or more, what LiteRT's unchecked shift comes to on 64-bit machines: the
   shift is taken modulo 32, and values from zero on are one larger. Small dividends do come to that. */
static int32_t div_s8_rescale(int32_t x, int32_t multiplier, int32_t shift) {
  const int32_t high = multiply_high(x, multiplier);
  return -shift > 31 ? (high >> (-shift & 31)) + (int32_t)(high >= 0) : rescale_twice(x, multiplier, shift);
}

static int8_t div_s8_one(const div_s8_t *p, int32_t a, int32_t b) {
  const int32_t divisor = b < p->zero_1 ? p->zero_1 - b : b - p->zero_1;
  const int32_t value = b < p->zero_1 ? p->zero_0 - a : a - p->zero_0;
  int32_t quotient = 0;
  if (divisor != 0) {
    const int32_t size = value < 0 ? -(value + 1) : value;
    int32_t shift, headroom = 0;
    while (headroom < 31 && (size >> (30 - headroom)) == 0) {
      ++headroom;
    }
    const int32_t factor = reciprocal(divisor, 31, &shift);
    const int32_t scaled = multiply_high((int32_t)((uint32_t)value << headroom), factor);
    quotient = div_s8_rescale(scaled, p->multiplier, p->shift - shift - headroom);
  }
  return clamp_s8(quotient + p->out_zero, p->low, p->high);
}

BROADCAST(div_s8, int8_t)
