/* needs: math */
/* Floats as int8, by a scale and a zero point of their own: value = scale * (stored - zero). */
typedef struct {
  float scale;
  int32_t zero;
} hybrid_scale_t;

static int8_t hybrid_value(float steps, int32_t lowest) {
  const float rounded = roundf(steps);
  return (int8_t)(rounded > 127.0f ? 127 : (rounded > (float)lowest ? (int32_t)rounded : lowest));
}

/* The zero point of the end of the range that stands the nearer to it, as LiteRT chooses. */
static int32_t hybrid_zero(double lowest, double highest, double scale) {
  const double from_low = -128.0 - lowest / scale, from_high = 127.0 - highest / scale;
  const int is_low = 128.0 + fabs(lowest / scale) < 127.0 + fabs(highest / scale);
  const double zero = is_low ? from_low : from_high;
  return zero <= -128.0 ? -128 : (zero >= 127.0 ? 127 : (int32_t)round(zero));
}

/* The range of the values and 0 takes all 256 steps, or, where it is symmetric, the larger end of it 127. */
NOINLINE static hybrid_scale_t hybrid_values(const float *values, int32_t count, int32_t is_symmetric,
                                             int8_t *output) {
  hybrid_scale_t found = {1.0f, 0};
  float lowest = 0.0f, highest = 0.0f, factor = 0.0f;
  for (int32_t i = 0; i < count; ++i) {
    lowest = values[i] < lowest ? values[i] : lowest;
    highest = values[i] > highest ? values[i] : highest;
  }
  if (is_symmetric && lowest < highest) {
    const float largest = -lowest > highest ? -lowest : highest;
    found.scale = largest / 127.0f;
    factor = 127.0f / largest;
  } else if (lowest < highest) {
    const double scale = (double)(highest - lowest) / 255.0;
    found.zero = hybrid_zero((double)lowest, (double)highest, scale);
    found.scale = (float)scale;
    factor = found.scale > 0.0f ? 1.0f / found.scale : 0.0f;
  }
  for (int32_t i = 0; i < count; ++i) {
    output[i] = hybrid_value((float)found.zero + values[i] * factor, is_symmetric ? -127 : -128);
  }
  return found;
}
