/* needs: simd */
/* From sums of sixteen channels to stored values. */

/* Of layers: what their channels are scaled by, filled up to a multiple of sixteen channels. */
typedef struct {
  const int32_t *biases, *multipliers;
  const int8_t *rights;
  int32_t zero, low, high;
} simd_scales_t;

/* Of sixteen channels. */
typedef struct {
  simd_t bias, multiplier, right, half, odd, zero;
} simd_scale_t;

/* Shifts to the right by `right`, 0 or more; halves go up, or away from zero. */
INLINE simd_scale_t simd_scale(simd_t bias, simd_t multiplier, simd_t right, int32_t zero, int goes_away) {
  const simd_t none = simd_all(0);
  const simd_scale_t made = {bias,  multiplier, right, simd_half(simd_power(right)),
                             goes_away ? simd_above_zero(right) : none, simd_all(zero)};
  return made;
}

/* In two steps as rescale_twice. */
INLINE simd_t simd_twice(const simd_scale_t *scale, simd_t sums) {
  const simd_t high = simd_rounded(simd_add(sums, scale->bias), scale->multiplier);
  return simd_add(simd_shift(high, scale->half, scale->odd, scale->right), scale->zero);
}

/* In one step as rescale_once; `right` is what is beyond 32. */
INLINE simd_t simd_once(const simd_scale_t *scale, simd_t sums) {
  const simd_t high = simd_upper(simd_add(sums, scale->bias), scale->multiplier);
  return simd_add(simd_shift(high, scale->half, scale->odd, scale->right), scale->zero);
}

/* Copy `count` bytes, 1 to 15, by ends that overlap: a call of memcpy took more than the sums of a small window. */
INLINE void simd_copy(int8_t *output, const int8_t *made, int32_t count) {
  const int8_t *const last = made + count;
  int8_t *const end = output + count;
  if (count >= 8) {
    memcpy(output, made, 8);
    memcpy(end - 8, last - 8, 8);
  } else if (count >= 4) {
    memcpy(output, made, 4);
    memcpy(end - 4, last - 4, 4);
  } else {
    *output = *made;
    output[count / 2] = made[count / 2];
    end[-1] = last[-1];
  }
}

/* Write 16 values, or as many as are left. */
INLINE void simd_store(const simd_scales_t *scales, simd_t values, int8_t *output, int32_t left) {
  if (left >= 16) {
    simd_pack(values, scales->low, scales->high, output);
  } else {
    int8_t made[16];
    simd_pack(values, scales->low, scales->high, made);
    simd_copy(output, made, left);
  }
}

/* The scale of the channels from `c` on, for simd_twice. */
INLINE simd_scale_t simd_scale_at(const simd_scales_t *scales, int32_t c) {
  return simd_scale(simd_load(scales->biases + c), simd_load(scales->multipliers + c), simd_widen(scales->rights + c),
                    scales->zero, 1);
}
