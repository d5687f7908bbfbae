// Self-test of $name: runs the test vectors, compares every byte with LiteRT's reference kernels, prints the time of a run.
#include <$name.h>
#include <test_vectors.h>
#include <string.h>

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

void setup() {
  int num_failed = 0;
  Serial.begin(115200);
  while (!Serial) {
  }
  for (int i = 0; i < TEST_NUM_VECTORS; ++i) {
    num_failed += run_vector(i) != 0;
  }
  fill(0);
  const unsigned long start = micros();
  $run;
  const unsigned long taken = micros() - start;
  Serial.print("microseconds of a run: ");
  Serial.println(taken);
  Serial.println(num_failed == 0 ? "PASS" : "FAIL");
}

void loop() {}
