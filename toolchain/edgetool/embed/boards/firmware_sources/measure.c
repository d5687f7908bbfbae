/* Runs the test vectors of a model and prints what an inference takes. Written by edgetool. */
#include <string.h>

#include "$name.h"
#include "board.h"
#include "firmware.h"
#include "test_vectors.h"

#define PAINT 0xA5A5A5A5u
#define GUARD 0x5AFEC0DEu

extern uint32_t firmware_stack_limit, firmware_guard_low, firmware_guard_high;

static void print_number(const char *label, uint32_t value) {
  char digits[11];
  char *text = digits + sizeof digits - 1;
  *text = 0;
  do {
    *--text = (char)('0' + value % 10u);
    value /= 10u;
  } while (value != 0u);
  firmware_print(label);
  firmware_print(text);
  firmware_print("\n");
}

static void __attribute__((noinline)) paint_stack(void) {
  for (uint32_t *word = &firmware_stack_limit; word < stack_now() - 16; ++word) {
    *word = PAINT;
  }
}

${buffers}static int run_vector(int index, uint32_t *most_ticks, uint32_t *most_stack) {
  int num_wrong = 0;
$fill
  paint_stack();
  uint32_t *const top = stack_now();
  const uint64_t start = ticks();
  $run;
  const uint32_t taken = (uint32_t)(ticks() - start);
  *most_ticks = taken > *most_ticks ? taken : *most_ticks;
  const uint32_t *word = &firmware_stack_limit;
  while (*word == PAINT) {
    ++word;
  }
  const uint32_t stack = (uint32_t)((const char *)top - (const char *)word);
  *most_stack = stack > *most_stack ? stack : *most_stack;
$check
  return num_wrong;
}

int firmware_main(void) {
  uint32_t num_failed = 0, most_ticks = 0, most_stack = 0;
  firmware_guard_low = GUARD;
  firmware_guard_high = GUARD;
  start_timer();
  for (int index = 0; index < TEST_NUM_VECTORS; ++index) {
    num_failed += run_vector(index, &most_ticks, &most_stack) != 0;
  }
  print_number("vectors ", TEST_NUM_VECTORS);
  print_number("failed ", num_failed);
  print_number("ticks ", most_ticks);
  print_number("stack ", most_stack);
  print_number("guards ", firmware_guard_low == GUARD && firmware_guard_high == GUARD);
  return num_failed == 0 ? 0 : 1;
}
