/* Reads inputs of $name from standard input, one sample after the other, and writes its outputs. */
#include <stdio.h>

#include "$name.h"

int main(void) {
  for (;;) {
$read
    ${name}_run();
$write
  }
}
