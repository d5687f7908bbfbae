/* needs: dsp */
/* Sums of two filters at once: a weight is a half, 256 times that of the second filter and that of the first. One SMLAD
   sums both, another those of the first, which SXTB16 takes out; what is left is 256 times the second's sum. None of them
   overflows with up to PAIR_WEIGHTS weights, of which the second is never -128. */
#define PAIR_WEIGHTS 512

typedef struct {
  int32_t both, first;
} pair_sums_t;

INLINE int32_t pair_second(pair_sums_t sums) {
  return (sums.both - sums.first) >> 8;
}

/* Twice that. */
INLINE int32_t pair_second_twice(pair_sums_t sums) {
  return (sums.both - sums.first) >> 7;
}

/* Four weights of both filters on the values of one pixel. */
INLINE pair_sums_t pair_add(pair_sums_t sums, uint32_t w0, uint32_t w1, uint32_t x0, uint32_t x1) {
  sums.both = dsp_smlad(w1, x1, dsp_smlad(w0, x0, sums.both));
  sums.first = dsp_smlad(dsp_even(w1), x1, dsp_smlad(dsp_even(w0), x0, sums.first));
  return sums;
}
