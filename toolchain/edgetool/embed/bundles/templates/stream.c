/* Reads inputs of $name from standard input, one sample after the other, and writes its outputs. */
#include <stdio.h>

#include "$name.h"

${buffers}int main(void) {
  for (;;) {
$read
    $run;
$write
  }
}
