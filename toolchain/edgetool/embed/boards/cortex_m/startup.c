/* Start-up of a Cortex-M in QEMU: vector table, memory, floating point, and how to end. Written by edgetool. */
#include "firmware.h"

extern uint32_t firmware_stack_top, firmware_data_start, firmware_data_end, firmware_data_image;
extern uint32_t firmware_bss_start, firmware_bss_end;

static void semihosting(uint32_t operation, const void *argument) {
  register uint32_t r0 __asm__("r0") = operation;
  register const void *r1 __asm__("r1") = argument;
  __asm__ volatile("bkpt 0xAB" : "+r"(r0) : "r"(r1) : "memory");
}

void firmware_print(const char *text) { semihosting(0x04u, text); }

void firmware_exit(int code) {
  const uint32_t argument[2] = {0x20026u, (uint32_t)code}; /* ADP_Stopped_ApplicationExit */
  semihosting(0x20u, argument);
  for (;;) {
  }
}

static void fault(void) {
  firmware_print("FAULT\n");
  firmware_exit(99);
}

static void reset(void) {
  *(volatile uint32_t *)0xE000ED88u |= 0xFu << 20; /* CPACR: floating point and Helium */
#ifdef FIRMWARE_LOW_OVERHEAD_LOOPS
  *(volatile uint32_t *)0xE000ED14u |= 1u << 19; /* CCR.LOB */
#endif
  __asm__ volatile("dsb\n isb" ::: "memory");
  const uint32_t *image = &firmware_data_image;
  for (uint32_t *word = &firmware_data_start; word < &firmware_data_end; ++word) {
    *word = *image++;
  }
  for (uint32_t *word = &firmware_bss_start; word < &firmware_bss_end; ++word) {
    *word = 0;
  }
  firmware_exit(firmware_main());
}

typedef void (*handler_t)(void);

__attribute__((section(".vectors"), used)) static const struct {
  uint32_t *stack;
  handler_t handlers[15];
} vectors = {&firmware_stack_top,
             {reset, fault, fault, fault, fault, fault, fault, fault, fault, fault, fault, fault, fault, fault,
              firmware_tick}};
