/* needs: rescale_twice */
/* SOFTMAX of 16-bit activations over the last axis, by tables of 512 intervals; output may be the input. */
typedef struct {
  const int16_t *exponentials; /* [513], of -10 to 0 */
  const int16_t *reciprocals; /* [513], 1 / (1 + x) of 0 to 1 */
  int32_t num_rows, width, multiplier, shift;
} softmax_s16_t;

/* What lies between the two nearest values of a table, for the distance from its start. */
static int32_t softmax_s16_look_up(const int16_t *table, int32_t distance) {
  const int32_t at = distance < 0 ? 0 : (distance > 65535 ? 65535 : distance);
  const int32_t index = at / 128, offset = at % 128;
  const int32_t delta = (table[index + 1] - table[index]) * offset + 64;
  return table[index] + (delta >= 0 ? delta / 128 : -((127 - delta) / 128));
}

static int32_t softmax_s16_exponential(const softmax_s16_t *p, int32_t difference) {
  return softmax_s16_look_up(p->exponentials, rescale_twice(difference, p->multiplier, p->shift) + 65535);
}

static void softmax_s16(const softmax_s16_t *p, const int16_t *input, int16_t *output) {
  for (int32_t row = 0; row < p->num_rows; ++row) {
    int32_t largest = INT16_MIN;
    for (int32_t i = 0; i < p->width; ++i) {
      largest = input[i] > largest ? input[i] : largest;
    }
    int32_t sum = 0;
    for (int32_t i = 0; i < p->width; ++i) {
      output[i] = (int16_t)softmax_s16_exponential(p, input[i] - largest);
      sum += output[i];
    }
    int32_t bits = 0; /* of the sum */
    while (bits < 31 && (sum >> bits) != 0) {
      ++bits;
    }
    const int64_t scaled = ((int64_t)sum * ((int64_t)1 << (31 - bits)) + (1 << 13)) / (1 << 14);
    const int32_t factor = softmax_s16_look_up(p->reciprocals, (int32_t)scaled - 65536);
    const int32_t right = bits - 1;
    for (int32_t i = 0; i < p->width; ++i) {
      const int32_t share = (output[i] * factor + ((int32_t)1 << (right - 1))) / ((int32_t)1 << right);
      output[i] = (int16_t)(share > INT16_MAX ? INT16_MAX : share);
    }
    input += p->width;
    output += p->width;
  }
}
