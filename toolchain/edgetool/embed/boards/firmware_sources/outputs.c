/* Runs the test vectors of a model and prints the bytes of its outputs, one output a line. Written by edgetool. */
#include <string.h>

#include "$name.h"
#include "firmware.h"
#include "test_vectors.h"

#define BYTES_PER_PRINT 32u

void firmware_tick(void) {}

static void print_bytes(const void *data, size_t size) {
  static const char digits[] = "0123456789abcdef";
  const unsigned char *bytes = data;
  char text[2u * BYTES_PER_PRINT + 1u];
  while (size > 0u) {
    const size_t count = size < BYTES_PER_PRINT ? size : BYTES_PER_PRINT;
    for (size_t index = 0; index < count; ++index) {
      text[2u * index] = digits[bytes[index] >> 4];
      text[2u * index + 1u] = digits[bytes[index] & 15u];
    }
    text[2u * count] = 0;
    firmware_print(text);
    bytes += count;
    size -= count;
  }
  firmware_print("\n");
}

${buffers}static int run_vector(int index) {
  int num_wrong = 0;
$fill
  $run;
$write
$check
  return num_wrong;
}

int firmware_main(void) {
  int num_failed = 0;
  for (int index = 0; index < TEST_NUM_VECTORS; ++index) {
    num_failed += run_vector(index) != 0;
  }
  firmware_print("end\n");
  return num_failed == 0 ? 0 : 1;
}
