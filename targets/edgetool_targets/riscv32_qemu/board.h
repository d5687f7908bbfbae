/* What measuring asks of a 32-bit RISC-V: the counter of cycles, and where the stack is. Written by edgetool. */
#ifndef BOARD_H_
#define BOARD_H_

#include <stdint.h>

/* Compilers differ in whether they count registers of control among a core's instructions by default. */
#define READ_CSR(name, value) \
  __asm__ volatile(".option push\n .option arch, +zicsr\n csrr %0, " name "\n .option pop" : "=r"(value))

/* QEMU counts instructions here where it runs with -icount. */
static uint64_t ticks(void) {
  uint32_t high, low, again;
  do {
    READ_CSR("mcycleh", high);
    READ_CSR("mcycle", low);
    READ_CSR("mcycleh", again);
  } while (high != again);
  return ((uint64_t)high << 32) + low;
}

static void start_timer(void) {}

static uint32_t *stack_now(void) {
  uint32_t *pointer;
  __asm__ volatile("mv %0, sp" : "=r"(pointer));
  return pointer;
}

#endif
