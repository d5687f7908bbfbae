/* Start-up of a 32-bit RISC-V in QEMU: stack, memory, floating point, and how to end. Written by edgetool. */
#include "firmware.h"

extern uint32_t firmware_data_start, firmware_data_end, firmware_data_image;
extern uint32_t firmware_bss_start, firmware_bss_end;

/* The three instructions that QEMU takes as a call; none of them may be compressed. */
static void __attribute__((noinline)) semihosting(uint32_t operation, const void *argument) {
  register uint32_t a0 __asm__("a0") = operation;
  register const void *a1 __asm__("a1") = argument;
  __asm__ volatile(
      ".option push\n .option norvc\n .balign 16\n"
      " slli x0, x0, 0x1f\n ebreak\n srai x0, x0, 7\n"
      ".option pop\n"
      : "+r"(a0)
      : "r"(a1)
      : "memory");
}

void firmware_print(const char *text) { semihosting(0x04u, text); }

void firmware_exit(int code) {
  const uint32_t argument[2] = {0x20026u, (uint32_t)code}; /* ADP_Stopped_ApplicationExit */
  semihosting(0x20u, argument);
  for (;;) {
  }
}

static void __attribute__((aligned(4))) fault(void) {
  firmware_print("FAULT\n");
  firmware_exit(99);
}

void reset(void);

void reset(void) {
  __asm__ volatile(
      ".option push\n .option arch, +zicsr\n"
      " csrw mtvec, %0\n csrs mstatus, %1\n csrw fcsr, zero\n"
      ".option pop" ::"r"(fault),
      "r"(1u << 13)); /* FS: floating point */
  const uint32_t *image = &firmware_data_image;
  for (uint32_t *word = &firmware_data_start; word < &firmware_data_end; ++word) {
    *word = *image++;
  }
  for (uint32_t *word = &firmware_bss_start; word < &firmware_bss_end; ++word) {
    *word = 0;
  }
  firmware_exit(firmware_main());
}

/* The first instruction: there is no stack yet. */
__attribute__((section(".vectors"), naked, used)) void entry(void);

void entry(void) { __asm__ volatile("la sp, firmware_stack_top\n j reset"); }
