/* $name in TensorFlow Lite Micro, written by edgetool: start, fill inputs, invoke, read outputs. C99 and C++17. */
#ifndef ${upper}_TFLM_H_
#define ${upper}_TFLM_H_

#include <stddef.h>

#include "$name.h"

/* Bytes of arena: $planned_bytes for activations and scratch memory, planned, and an allowance of $overhead_bytes for TFLM's
   own structures. A bound from above, not a measurement: after ${name}_init, ${name}_arena_used_bytes() tells what TFLM took,
   and this macro may be set to that, rounded up to 16. */
#ifndef ${upper}_ARENA_BYTES
#define ${upper}_ARENA_BYTES ${arena_bytes}u
#endif

/* Where the arena lies, for example __attribute__((section(".sram"))). */
#ifndef ${upper}_ARENA_ATTRIBUTE
#define ${upper}_ARENA_ATTRIBUTE
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* What the calls return. */
enum {
  ${upper}_OK = 0,
  ${upper}_ERROR_SCHEMA = 1,    /* the file's schema is not version 3 */
  ${upper}_ERROR_OPERATOR = 2,  /* an operator could not be registered */
  ${upper}_ERROR_ARENA = 3,     /* AllocateTensors failed: mostly, the arena is too small; TFLM logs which */
  ${upper}_ERROR_TENSOR = 4,    /* inputs or outputs are not those of $name.h */
  ${upper}_ERROR_INVOKE = 5,    /* a kernel failed; TFLM logs which */
  ${upper}_ERROR_STATE = 6      /* invoked before a successful start */
};

/* Once, before anything else. Statically allocated; not thread-safe. */
int ${name}_init(void);
/* Where to write inputs, before every run; NULL before a successful start. */
$declare_inputs
/* One inference. */
int ${name}_invoke(void);
/* Where outputs stand after a run, until the next one. */
$declare_outputs
/* Bytes of the arena that TFLM took; 0 before a successful start. */
size_t ${name}_arena_used_bytes(void);
/* One of the values above in words. */
const char *${name}_error(int status);

#ifdef __cplusplus
}  /* extern "C" */
#endif

#endif  /* ${upper}_TFLM_H_ */
