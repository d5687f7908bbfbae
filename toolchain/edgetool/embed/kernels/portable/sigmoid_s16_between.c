/* Of LOGISTIC and TANH of 16 bits: 1 / (1 + exp(-k / 24)) - 1/2 for k = 0..255, 65536 is one. Both scale the input to
   a distance in that table, and differ in how much of it is fraction: tanh(x) = 2 / (1 + exp(-2x)) - 1. */
typedef struct {
  const int16_t *table; /* [256] */
  int32_t multiplier, shift, num_elements;
} sigmoid_s16_t;

static int32_t sigmoid_s16_distance(const sigmoid_s16_t *p, int16_t x) {
  const int32_t half = p->shift > 0 ? (int32_t)1 << (p->shift - 1) : 0;
  return (x * p->multiplier + half) >> p->shift;
}

/* What the table has at `distance`, with so many more bits, which are fraction of an interval. */
static int32_t sigmoid_s16_between(const sigmoid_s16_t *p, int32_t distance, int32_t bits, int32_t largest) {
  const int32_t index = distance >> bits, one = (int32_t)1 << bits;
  const int16_t *const ends = p->table + index;
  return index >= 255 ? largest * one : ends[0] * one + (distance & (one - 1)) * (ends[1] - ends[0]);
}
