/* Self-test of $name: runs the test vectors, compares every byte with what LiteRT's reference kernels gave, times a run. */
#ifndef ARDUINO /* of a sketch's library every .c file is compiled, and the sketch has its own main */
#include <stdio.h>
#include <string.h>

#include "$name.h"
#include "test_vectors.h"

${buffers}static void fill(int index) {
$fill
}

static int run_vector(int index) {
  int num_wrong = 0;
  fill(index);
  $run;
$check
  return num_wrong;
}

#if defined(__ARM_ARCH_PROFILE) && __ARM_ARCH_PROFILE == 'M'

static volatile uint32_t *reg(uint32_t address) { return (volatile uint32_t *)(uintptr_t)address; }

/* Cycles of one run: of DWT, which Armv7-M and later may have; else of SysTick, unless it is in use or too short. */
static void print_time(void) {
  volatile uint32_t *const control = reg(0xE000E010u), *const ticks = reg(0xE000E018u);
  const int is_free = (*control & 1u) == 0u;
  fill(0);
#if __ARM_ARCH >= 7
  *reg(0xE000EDFCu) |= 1u << 24;   /* DEMCR.TRCENA */
  *reg(0xE0001FB0u) = 0xC5ACCE55u; /* DWT_LAR: Cortex-M7 wants it unlocked */
  *reg(0xE0001000u) |= 1u;         /* DWT_CTRL.CYCCNTENA */
#endif
  if (is_free) {
    *reg(0xE000E014u) = 0xFFFFFFu;
    *ticks = 0;
    *control = 5; /* on, by the core's clock, without interrupts */
    for (int i = 0; i < 1000 && *ticks == 0u; ++i) {
    }
    (void)*control; /* reading clears COUNTFLAG */
  }
  const uint32_t ticks_before = *ticks;
#if __ARM_ARCH >= 7
  const uint32_t before = *reg(0xE0001004u);
  $run;
  const uint32_t cycles = *reg(0xE0001004u) - before;
#else
  $run;
  const uint32_t cycles = 0;
#endif
  const uint32_t taken = (ticks_before - *ticks) & 0xFFFFFFu;
  const int is_whole = is_free && (*control & (1u << 16)) == 0u;
  if (is_free) {
    *control = 0;
  }
  if (cycles != 0u) {
    printf("cycles of a run: %lu (DWT)\n", (unsigned long)cycles);
  } else if (is_whole && taken != 0u) {
    printf("cycles of a run: %lu (SysTick)\n", (unsigned long)taken);
  } else {
    printf("cycles of a run: n/a\n");
  }
}

#elif defined(__unix__) || defined(__APPLE__) || defined(_WIN32)
#include <time.h>

/* Nanoseconds of a run, by clock(): the mean of as many runs as take a twentieth of a second. */
static void print_time(void) {
  fill(0);
  for (long runs = 1;; runs *= 2) {
    const clock_t start = clock();
    for (long i = 0; i < runs; ++i) {
      $run;
    }
    const clock_t taken = clock() - start;
    if (taken >= CLOCKS_PER_SEC / 20 || runs > 1000000000L) {
      printf("nanoseconds of a run: %.0f (the mean of %ld)\n",
             (double)taken * 1e9 / (double)CLOCKS_PER_SEC / (double)runs, runs);
      return;
    }
  }
}

#else

static void print_time(void) { printf("cycles of a run: n/a\n"); }

#endif

int main(void) {
  int num_failed = 0;
  for (int i = 0; i < TEST_NUM_VECTORS; ++i) {
    num_failed += run_vector(i) != 0;
  }
  print_time();
  printf("%s: %d of %d test vectors %s\n", num_failed == 0 ? "PASS" : "FAIL", TEST_NUM_VECTORS - num_failed,
         TEST_NUM_VECTORS, TEST_RULE);
  return num_failed == 0 ? 0 : 1;
}

#else
typedef int self_test_is_left_out;
#endif
