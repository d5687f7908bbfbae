/* What measuring asks of a Cortex-M: the time of SysTick, and where the stack is. Written by edgetool. */
#ifndef BOARD_H_
#define BOARD_H_

#include <stdint.h>

#include "firmware.h"

static volatile uint32_t num_wraps;

void firmware_tick(void) { ++num_wraps; }

/* Ticks of SysTick since it was started; it counts down from 2^24 - 1. */
static uint64_t ticks(void) {
  uint32_t wraps, value;
  do {
    wraps = num_wraps;
    value = *(volatile uint32_t *)0xE000E018u;
  } while (wraps != num_wraps);
  return ((uint64_t)wraps << 24) + (0xFFFFFFu - value);
}

static void start_timer(void) {
  *(volatile uint32_t *)0xE000E014u = 0xFFFFFFu;
  *(volatile uint32_t *)0xE000E018u = 0;
  *(volatile uint32_t *)0xE000E010u = 7;
  (void)ticks();
}

static uint32_t *stack_now(void) {
  uint32_t *pointer;
  __asm__ volatile("mov %0, sp" : "=r"(pointer));
  return pointer;
}

#endif
