/* needs: math */
/* Absolute values of the Fourier transform of rows of a power of two, in double precision as LiteRT computes it. */
typedef struct {
  int32_t num_rows, size;
} spectrum_f32_t;

/* The values of a row where their indices' bits stand in reverse order. */
static void spectrum_f32_load(int32_t size, const float *input, double *real, double *imaginary) {
  int32_t reversed = 0;
  for (int32_t i = 0; i < size; ++i) {
    real[reversed] = (double)input[i];
    imaginary[reversed] = 0.0;
    int32_t bit = size >> 1;
    for (; (reversed & bit) != 0; bit >>= 1) {
      reversed ^= bit;
    }
    reversed |= bit;
  }
}

static void spectrum_f32_pass(const spectrum_f32_t *p, int32_t half, double *real, double *imaginary,
                              const double *cosines, const double *sines) {
  const int32_t step = p->size / (2 * half);
  for (int32_t first = 0; first < p->size; first += 2 * half) {
    for (int32_t i = 0; i < half; ++i) {
      const int32_t a = first + i, b = a + half;
      const double c = cosines[i * step], s = sines[i * step];
      const double x = real[b] * c + imaginary[b] * s, y = imaginary[b] * c - real[b] * s;
      real[b] = real[a] - x;
      imaginary[b] = imaginary[a] - y;
      real[a] += x;
      imaginary[a] += y;
    }
  }
}

NOINLINE static void spectrum_f32(const spectrum_f32_t *p, const float *input, float *output, void *scratch) {
  double *const real = (double *)scratch, *const imaginary = real + p->size;
  double *const cosines = imaginary + p->size, *const sines = cosines + p->size / 2;
  for (int32_t i = 0; i < p->size / 2; ++i) {
    const double angle = 6.283185307179586477 * (double)i / (double)p->size;
    cosines[i] = cos(angle);
    sines[i] = sin(angle);
  }
  for (int32_t row = 0; row < p->num_rows; ++row) {
    spectrum_f32_load(p->size, input, real, imaginary);
    for (int32_t half = 1; half < p->size; half *= 2) {
      spectrum_f32_pass(p, half, real, imaginary, cosines, sines);
    }
    for (int32_t i = 0; i <= p->size / 2; ++i) {
      *output++ = hypotf((float)real[i], (float)imaginary[i]);
    }
    input += p->size;
  }
}
