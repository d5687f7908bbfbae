/* $name by LiteRT's C API (CompiledModel, on the CPU). Seen working with LiteRT 2.3. */
#include <stdio.h>
#include <string.h>

#include "litert/c/litert_common.h"
#include "litert/c/litert_compiled_model.h"
#include "litert/c/litert_environment.h"
#include "litert/c/litert_model.h"
#include "litert/c/litert_options.h"
#include "litert/c/litert_tensor_buffer.h"
#include "model.h"

static LiteRtEnvironment environment;
static LiteRtModel model;
static LiteRtOptions options;
static LiteRtCompiledModel compiled;
static LiteRtTensorBuffer input_buffers[MODEL_NUM_INPUTS], output_buffers[MODEL_NUM_OUTPUTS];

static int is_ok(LiteRtStatus status, const char *what) {
  if (status != kLiteRtStatusOk) {
    fprintf(stderr, "LiteRT: %s: status %d\n", what, (int)status);
  }
  return status == kLiteRtStatusOk;
}

static int open_buffer(LiteRtTensor tensor, LiteRtTensorBufferRequirements needs, const tensor_t *expected,
                       LiteRtTensorBuffer *buffer) {
  LiteRtRankedTensorType type;
  size_t num_bytes = 0;
  if (!is_ok(LiteRtGetRankedTensorType(tensor, &type), "type of a tensor")) {
    return 0;
  }
  for (size_t i = 0; i < expected->rank; ++i) { /* a dimension that the file leaves open */
    type.layout.dimensions[i] = (int32_t)expected->shape[i];
  }
  if (!is_ok(LiteRtCreateManagedTensorBufferFromRequirements(environment, &type, needs, buffer), "buffer") ||
      !is_ok(LiteRtGetTensorBufferPackedSize(*buffer, &num_bytes), "size of a buffer")) {
    return 0;
  }
  if (num_bytes != expected->num_bytes) {
    fprintf(stderr, "%s: %lu bytes, expected %lu\n", expected->name, (unsigned long)num_bytes,
            (unsigned long)expected->num_bytes);
    return 0;
  }
  return 1;
}

static int open_buffers(void) {
  LiteRtSubgraph subgraph;
  LiteRtTensor tensor;
  LiteRtTensorBufferRequirements needs;
  if (!is_ok(LiteRtGetModelSubgraph(model, 0, &subgraph), "subgraph")) {
    return 0;
  }
  for (size_t i = 0; i < MODEL_NUM_INPUTS; ++i) {
    if (!is_ok(LiteRtGetSubgraphInput(subgraph, i, &tensor), "input") ||
        !is_ok(LiteRtGetCompiledModelInputBufferRequirements(compiled, 0, i, &needs), "needs of an input") ||
        !open_buffer(tensor, needs, &model_inputs[i], &input_buffers[i])) {
      return 0;
    }
  }
  for (size_t i = 0; i < MODEL_NUM_OUTPUTS; ++i) {
    if (!is_ok(LiteRtGetSubgraphOutput(subgraph, i, &tensor), "output") ||
        !is_ok(LiteRtGetCompiledModelOutputBufferRequirements(compiled, 0, i, &needs), "needs of an output") ||
        !open_buffer(tensor, needs, &model_outputs[i], &output_buffers[i])) {
      return 0;
    }
  }
  return 1;
}

int model_open(const char *path) {
  return is_ok(LiteRtCreateEnvironment(0, NULL, &environment), "environment") &&
         is_ok(LiteRtCreateModelFromFile(environment, path, &model), path) &&
         is_ok(LiteRtCreateOptions(&options), "options") &&
         is_ok(LiteRtSetOptionsHardwareAccelerators(options, kLiteRtHwAcceleratorCpu), "CPU") &&
         is_ok(LiteRtCreateCompiledModel(environment, model, options, &compiled), "compiled model") && open_buffers();
}

int model_run(void *const *inputs, void *const *outputs) {
  void *memory;
  for (size_t i = 0; i < MODEL_NUM_INPUTS; ++i) {
    if (!is_ok(LiteRtLockTensorBuffer(input_buffers[i], &memory, kLiteRtTensorBufferLockModeWrite), "lock")) {
      return 0;
    }
    memcpy(memory, inputs[i], model_inputs[i].num_bytes);
    LiteRtUnlockTensorBuffer(input_buffers[i]);
  }
  if (!is_ok(LiteRtRunCompiledModel(compiled, 0, MODEL_NUM_INPUTS, input_buffers, MODEL_NUM_OUTPUTS, output_buffers),
             "run")) {
    return 0;
  }
  for (size_t i = 0; i < MODEL_NUM_OUTPUTS; ++i) {
    if (!is_ok(LiteRtLockTensorBuffer(output_buffers[i], &memory, kLiteRtTensorBufferLockModeRead), "lock")) {
      return 0;
    }
    memcpy(outputs[i], memory, model_outputs[i].num_bytes);
    LiteRtUnlockTensorBuffer(output_buffers[i]);
  }
  return 1;
}

void model_close(void) {
  for (size_t i = 0; i < MODEL_NUM_INPUTS; ++i) {
    LiteRtDestroyTensorBuffer(input_buffers[i]);
  }
  for (size_t i = 0; i < MODEL_NUM_OUTPUTS; ++i) {
    LiteRtDestroyTensorBuffer(output_buffers[i]);
  }
  LiteRtDestroyCompiledModel(compiled);
  LiteRtDestroyOptions(options);
  LiteRtDestroyModel(model);
  LiteRtDestroyEnvironment(environment);
}
