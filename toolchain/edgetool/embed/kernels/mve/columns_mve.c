/* needs: mve */
/* Columns of 8-bit values. */
typedef int8_t column_value_t;

#if defined(__ARM_FEATURE_MVE)
INLINE void column_put(const int8_t *from, int32_t count, int8_t *to) {
  __asm__ volatile(
      "wlstp.8 lr, %[count], 2f\n"
      "1:\n\t"
      "vldrb.8 q0, [%[from]], #16\n\t"
      "vstrb.8 q0, [%[to]], #16\n\t"
      "letp lr, 1b\n"
      "2:"
      : [from] "+r"(from), [to] "+r"(to)
      : [count] "r"(count)
      : "lr", "q0", "cc", "memory");
}

INLINE void column_fill(int32_t value, int32_t count, int8_t *to) {
  __asm__ volatile(
      "vdup.8 q0, %[value]\n\t"
      "wlstp.8 lr, %[count], 2f\n"
      "1:\n\t"
      "vstrb.8 q0, [%[to]], #16\n\t"
      "letp lr, 1b\n"
      "2:"
      : [to] "+r"(to)
      : [value] "r"(value), [count] "r"(count)
      : "lr", "q0", "cc", "memory");
}

/* To the front; values are read before those behind them are written over. */
INLINE void column_move(int8_t *to, const int8_t *from, int32_t count) { column_put(from, count, to); }
#else
INLINE void column_put(const int8_t *from, int32_t count, int8_t *to) { memcpy(to, from, (size_t)count); }
INLINE void column_fill(int32_t value, int32_t count, int8_t *to) { memset(to, value, (size_t)count); }
INLINE void column_move(int8_t *to, const int8_t *from, int32_t count) { memmove(to, from, (size_t)count); }
#endif
