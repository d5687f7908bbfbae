/* needs: packed_s8 */
#if defined(__ARM_FEATURE_MVE)
#include <arm_mve.h>
#endif

/* Write `size` sparse weights that `count` codes hold. */
static void packed_s8_scatter(const uint8_t *codes, int32_t count, const int32_t *table, int8_t *weights,
                              int32_t size) {
  memset(weights, 0, (size_t)size);
  for (const uint8_t *const end = codes + count; codes < end; ++codes) {
    const int32_t entry = table[*codes];
    weights += entry & 0xFFFF;
    *weights++ = (int8_t)(entry >> 16);
  }
}

/* Write weights that a palette's codes hold, eight at a time. */
static void packed_s8_lookup(const packed_s8_t *p, const uint8_t *codes, int8_t *weights, int32_t size) {
  const int8_t *const values = p->values;
  const int32_t bits = p->bits;
  const uint32_t mask = ((uint32_t)1 << bits) - 1u;
  int32_t i = 0;
#if defined(__ARM_FEATURE_MVE)
  for (; bits == 4 && i + 32 <= size; i += 32) {
    const uint8x16_t bytes = vldrbq_u8(codes);
    int8x16x2_t found;
    found.val[0] = vldrbq_gather_offset_s8(values, vandq_u8(bytes, vdupq_n_u8(15)));
    found.val[1] = vldrbq_gather_offset_s8(values, vshrq_n_u8(bytes, 4));
    vst2q_s8(weights, found);
    codes += 16;
    weights += 32;
  }
#endif
  for (; i < size; i += 8) {
    uint32_t low = packed_word(codes), high = packed_word(codes + bits / 2) >> (4 * bits & 7);
    for (int32_t j = 0; j < 4; ++j) {
      weights[j] = values[low & mask];
      weights[j + 4] = values[high & mask];
      low >>= bits;
      high >>= bits;
    }
    codes += bits;
    weights += 8;
  }
}

/* Write the next `size` weights, rounded up to eight; return what stands behind their codes. */
static const uint8_t *packed_s8_unpack(const packed_s8_t *p, const uint8_t *codes, int32_t part, const int32_t *table,
                                       int8_t *weights, int32_t size) {
  if (p->bits != 0) {
    packed_s8_lookup(p, codes, weights, size);
    return codes + ((size + 7) >> 3) * p->bits;
  }
  packed_s8_scatter(codes, p->counts[part], table, weights, size);
  return codes + p->counts[part];
}
