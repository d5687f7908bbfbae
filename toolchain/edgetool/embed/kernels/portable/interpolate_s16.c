/* A function of one 16-bit value, from a table of its values at the ends of 512 intervals; output may be the input. */
typedef struct {
  const int16_t *table; /* [513], at -32768, -32640, ... */
  int32_t lowest, num_elements; /* what is below the lowest, which LiteRT refuses, counts as it */
} interpolate_s16_t;

static void interpolate_s16(const interpolate_s16_t *p, const int16_t *input, int16_t *output) {
  for (int32_t i = 0; i < p->num_elements; ++i) {
    const int32_t at = (input[i] < p->lowest ? p->lowest : input[i]) + 32768;
    const int16_t *const ends = p->table + at / 128;
    const int16_t slope = (int16_t)(ends[1] - ends[0]); /* LiteRT's has 16 bits as well */
    output[i] = (int16_t)(ends[0] + ((slope * (at % 128) + 64) >> 7));
  }
}
