/* Runs $name on raw values: one file an input, in the model's own types; writes output0.bin and so on, tells the latency.
   usage: ${name}_run MODEL INPUT0 [INPUT1 ...] [--runs N] */
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "model.h"

static double now_ms(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec * 1e3 + (double)time.tv_nsec / 1e6;
}

static void *must_have(size_t num_bytes) {
  void *memory = calloc(1, num_bytes);
  if (memory == NULL) {
    fprintf(stderr, "no memory for %lu bytes\n", (unsigned long)num_bytes);
    exit(1);
  }
  return memory;
}

static void read_input(const char *path, void *values, size_t num_bytes) {
  char more = 0;
  FILE *file = fopen(path, "rb");
  if (file == NULL || fread(values, 1, num_bytes, file) != num_bytes || fread(&more, 1, 1, file) != 0) {
    fprintf(stderr, "%s: expected a file of %lu bytes\n", path, (unsigned long)num_bytes);
    exit(1);
  }
  fclose(file);
}

static void write_output(int index, const void *values, size_t num_bytes) {
  char path[32];
  snprintf(path, sizeof path, "output%d.bin", index);
  FILE *file = fopen(path, "wb");
  if (file == NULL || fwrite(values, 1, num_bytes, file) != num_bytes || fclose(file) != 0) {
    fprintf(stderr, "%s: cannot be written\n", path);
    exit(1);
  }
  printf("%s: %s, %lu bytes\n", path, model_outputs[index].name, (unsigned long)num_bytes);
}

int main(int argc, char **argv) {
  void *inputs[MODEL_NUM_INPUTS], *outputs[MODEL_NUM_OUTPUTS];
  int runs = 20;
  if (argc == MODEL_NUM_INPUTS + 4 && strcmp(argv[argc - 2], "--runs") == 0) {
    runs = atoi(argv[argc - 1]);
    argc -= 2;
  }
  if (argc != MODEL_NUM_INPUTS + 2 || runs < 1) {
    fprintf(stderr, "usage: %s MODEL INPUT... [--runs N], with %d files of inputs\n", argv[0], MODEL_NUM_INPUTS);
    return 2;
  }
  for (int i = 0; i < MODEL_NUM_INPUTS; ++i) {
    inputs[i] = must_have(model_inputs[i].num_bytes);
    read_input(argv[2 + i], inputs[i], model_inputs[i].num_bytes);
  }
  for (int i = 0; i < MODEL_NUM_OUTPUTS; ++i) {
    outputs[i] = must_have(model_outputs[i].num_bytes);
  }
  if (!model_open(argv[1]) || !model_run(inputs, outputs)) {
    return 1;
  }
  const double start = now_ms();
  for (int i = 0; i < runs; ++i) {
    if (!model_run(inputs, outputs)) {
      return 1;
    }
  }
  printf("latency: %.3f ms, the mean of %d runs\n", (now_ms() - start) / runs, runs);
  for (int i = 0; i < MODEL_NUM_OUTPUTS; ++i) {
    write_output(i, outputs[i], model_outputs[i].num_bytes);
    free(outputs[i]);
  }
  for (int i = 0; i < MODEL_NUM_INPUTS; ++i) {
    free(inputs[i]);
  }
  model_close();
  return 0;
}
