/* Inputs and outputs of $name, written by edgetool, and the calls of $backend. C99 and C++17. */
#ifndef MODEL_H_
#define MODEL_H_

#include <stddef.h>
#include <stdint.h>

#define MODEL_NUM_INPUTS $num_inputs
#define MODEL_NUM_OUTPUTS $num_outputs

/* Open dimensions are 1. `type` is that of ONNX's TensorProto: 1 float, 2 uint8, 3 int8, 6 int32, 7 int64, ... */
typedef struct {
  const char *name;
  int type;
  size_t rank;
  int64_t shape[8];
  size_t num_bytes;
} tensor_t;

static const tensor_t model_inputs[MODEL_NUM_INPUTS] = {
$inputs
};
static const tensor_t model_outputs[MODEL_NUM_OUTPUTS] = {
$outputs
};

/* Each returns 1, or says on standard error what is wrong and returns 0. */
int model_open(const char *path);
int model_run(void *const *inputs, void *const *outputs);
void model_close(void);

#endif
