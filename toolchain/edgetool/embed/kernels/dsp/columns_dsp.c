/* needs: dsp */
/* Columns of 16-bit values, for SMLAD: where a pixel has a multiple of four, the second and the third of every four have
   changed places, as SXTB16 gives them. */
typedef int16_t column_value_t;

INLINE void column_put(const int8_t *from, int32_t count, int16_t *to) {
  if ((count & 3) != 0) {
    for (int32_t i = 0; i < count; ++i) {
      to[i] = from[i];
    }
    return;
  }
  for (const int8_t *const end = from + count; from < end; from += 4) {
    const uint32_t word = dsp_load(from);
    const uint32_t even = dsp_even(word), odd = dsp_odd(word);
    memcpy(to, &even, sizeof even);
    memcpy(to + 2, &odd, sizeof odd);
    to += 4;
  }
}

INLINE void column_fill(int32_t value, int32_t count, int16_t *to) {
  for (int32_t i = 0; i < count; ++i) {
    to[i] = (int16_t)value;
  }
}

/* Move an even number of values to the front. */
INLINE void column_move(int16_t *to, const int16_t *from, int32_t count) {
  for (const int16_t *const end = from + count; from < end; from += 2) {
    const uint32_t word = dsp_halves(from);
    memcpy(to, &word, sizeof word);
    to += 2;
  }
}
