/* Sigmoid and tanh of 16-bit fixed point, as LiteRT's integer LSTM has them (gemmlowp/fixedpoint/fixedpoint.h). Results
   are in steps of 2^-15. */

/* round(a * b / 2^15), halves up. */
static int32_t lstm_s8_product(int32_t a, int32_t b) { return (a * b + (1 << 14)) >> 15; }

/* exp of a value from -1/4 on, below 0, in steps of 2^-15: the Taylor series around -1/8. */
static int32_t lstm_s8_exponential_of_quarter(int32_t value) {
  const int32_t middle = 28918, third = 10923; /* exp(-1/8), 1/3 */
  const int32_t x = value + (1 << 12);
  const int32_t x2 = lstm_s8_product(x, x);
  const int32_t x3 = lstm_s8_product(x2, x), x4 = lstm_s8_product(x2, x2);
  const int32_t series = lstm_s8_product(((x4 + 2) >> 2) + x3, third) + x2;
  const int32_t result = middle + lstm_s8_product(middle, x + ((series + 1) >> 1));
  return result < INT16_MAX ? result : INT16_MAX;
}

/* exp of a value that is not above zero and has `bits` integer bits, 1 to 7. */
static int32_t lstm_s8_exponential(int32_t value, int32_t bits) {
  static const int16_t powers[7] = {25520, 19875, 12055, 4435, 600, 11, 0}; /* exp(-1/4), exp(-1/2), ..., exp(-16) */
  const int32_t quarter = (int32_t)1 << (13 - bits);
  if (value == 0) {
    return INT16_MAX;
  }
  if (bits > 5 && value < -128 * quarter) {
    return 0;
  }
  const int32_t part = (value & (quarter - 1)) - quarter, rest = part - value;
  int32_t result = lstm_s8_exponential_of_quarter(part * ((int32_t)1 << bits));
  for (int32_t i = 0; i < 7 && i < bits + 2; ++i) {
    if ((rest & (quarter * ((int32_t)1 << i))) != 0) {
      result = lstm_s8_product(result, powers[i]);
    }
  }
  return result;
}

/* 2 / (1 + x) in steps of 2^-13, by Newton's method; x in steps of 2^-15. */
static int32_t lstm_s8_reciprocal(int32_t x) {
  const int32_t half = (x + (1 << 15)) >> 1;
  int32_t result = 23130 + lstm_s8_product(half, -15420); /* 48/17 - 32/17 * half */
  for (int32_t i = 0; i < 3; ++i) {
    result += 4 * lstm_s8_product(result, (1 << 13) - lstm_s8_product(half, result));
  }
  return result;
}

/* Of a value in steps of 2^-12. */
static int32_t lstm_s8_sigmoid(int32_t value) {
  const int32_t twice = 2 * lstm_s8_reciprocal(lstm_s8_exponential(value > 0 ? -value : value, 3));
  const int32_t result = twice < INT16_MAX ? twice : INT16_MAX;
  return value > 0 ? result : (value == 0 ? 1 << 14 : INT16_MAX - result);
}

/* Of a value of `bits` integer bits, 0 to 6. */
static int32_t lstm_s8_tanh(int32_t value, int32_t bits) {
  const int32_t found = 4 * (lstm_s8_reciprocal(lstm_s8_exponential(value > 0 ? -value : value, bits + 1)) - (1 << 13));
  const int32_t result = found < INT16_MAX ? found : INT16_MAX;
  return value > 0 ? result : (value == 0 ? 0 : -result);
}
