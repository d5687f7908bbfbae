/* Self-test of $name: runs the test vectors and compares every byte with what LiteRT's reference kernels gave. */
#include <stdio.h>
#include <string.h>

#include "$name.h"
#include "test_vectors.h"

static int run_vector(int index) {
  int num_wrong = 0;
$fill
  ${name}_run();
$check
  return num_wrong;
}

int main(void) {
  int num_failed = 0;
  for (int i = 0; i < TEST_NUM_VECTORS; ++i) {
    num_failed += run_vector(i) != 0;
  }
  printf("%s: %d of %d test vectors %s\n", num_failed == 0 ? "PASS" : "FAIL", TEST_NUM_VECTORS - num_failed,
         TEST_NUM_VECTORS, TEST_RULE);
  return num_failed == 0 ? 0 : 1;
}
