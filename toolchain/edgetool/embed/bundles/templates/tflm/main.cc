/* Starts $name, runs it once on zeros, and tells how much of the arena TFLM took. */
#include <cstdio>
#include <cstring>

#include "${name}_tflm.h"

int main() {
  int status = ${name}_init();
  if (status == ${upper}_OK) {
$fill
    status = ${name}_invoke();
  }
  if (status != ${upper}_OK) {
    std::printf("FAIL: %s\n", ${name}_error(status));
    return 1;
  }
  std::printf("arena: %lu of %lu bytes used\n", static_cast<unsigned long>(${name}_arena_used_bytes()),
              static_cast<unsigned long>(${upper}_ARENA_BYTES));
  return 0;
}
