/* $name by onnxruntime's C API, on the CPU. */
#include <stdio.h>
#include <string.h>

#include "model.h"
#include "onnxruntime_c_api.h"

static const OrtApi *api;
static OrtEnv *environment;
static OrtSessionOptions *options;
static OrtSession *session;
static OrtMemoryInfo *memory;

static int is_ok(OrtStatus *status) {
  if (status != NULL) {
    fprintf(stderr, "onnxruntime: %s\n", api->GetErrorMessage(status));
    api->ReleaseStatus(status);
    return 0;
  }
  return 1;
}

int model_open(const char *path) {
  api = OrtGetApiBase()->GetApi(ORT_API_VERSION);
  if (api == NULL) {
    fprintf(stderr, "onnxruntime: the library is older than the header (version %d)\n", ORT_API_VERSION);
    return 0;
  }
  return is_ok(api->CreateEnv(ORT_LOGGING_LEVEL_WARNING, "$name", &environment)) &&
         is_ok(api->CreateSessionOptions(&options)) && is_ok(api->SetIntraOpNumThreads(options, 0)) &&
         is_ok(api->CreateSession(environment, path, options, &session)) &&
         is_ok(api->CreateCpuMemoryInfo(OrtArenaAllocator, OrtMemTypeDefault, &memory));
}

static int copy_output(const OrtValue *value, const tensor_t *expected, void *output) {
  OrtTensorTypeAndShapeInfo *info = NULL;
  size_t count = 0, wanted = 1;
  void *values = NULL;
  for (size_t i = 0; i < expected->rank; ++i) {
    wanted *= (size_t)expected->shape[i];
  }
  const int found = is_ok(api->GetTensorTypeAndShape(value, &info)) &&
                    is_ok(api->GetTensorShapeElementCount(info, &count)) &&
                    is_ok(api->GetTensorMutableData((OrtValue *)value, &values));
  if (info != NULL) {
    api->ReleaseTensorTypeAndShapeInfo(info);
  }
  if (found && count != wanted) {
    fprintf(stderr, "%s: %lu values, expected %lu\n", expected->name, (unsigned long)count, (unsigned long)wanted);
  }
  if (!found || count != wanted) {
    return 0;
  }
  memcpy(output, values, expected->num_bytes);
  return 1;
}

int model_run(void *const *inputs, void *const *outputs) {
  const char *input_names[MODEL_NUM_INPUTS], *output_names[MODEL_NUM_OUTPUTS];
  OrtValue *given[MODEL_NUM_INPUTS] = {NULL}, *found[MODEL_NUM_OUTPUTS] = {NULL};
  int ok = 1;
  for (size_t i = 0; i < MODEL_NUM_INPUTS; ++i) {
    const tensor_t *tensor = &model_inputs[i];
    input_names[i] = tensor->name;
    ok = ok && is_ok(api->CreateTensorWithDataAsOrtValue(memory, inputs[i], tensor->num_bytes, tensor->shape, tensor->rank,
                                                         (ONNXTensorElementDataType)tensor->type, &given[i]));
  }
  for (size_t i = 0; i < MODEL_NUM_OUTPUTS; ++i) {
    output_names[i] = model_outputs[i].name;
  }
  ok = ok && is_ok(api->Run(session, NULL, input_names, (const OrtValue *const *)given, MODEL_NUM_INPUTS, output_names,
                            MODEL_NUM_OUTPUTS, found));
  for (size_t i = 0; i < MODEL_NUM_OUTPUTS; ++i) {
    ok = ok && copy_output(found[i], &model_outputs[i], outputs[i]);
    if (found[i] != NULL) {
      api->ReleaseValue(found[i]);
    }
  }
  for (size_t i = 0; i < MODEL_NUM_INPUTS; ++i) {
    if (given[i] != NULL) {
      api->ReleaseValue(given[i]);
    }
  }
  return ok;
}

void model_close(void) {
  api->ReleaseMemoryInfo(memory);
  api->ReleaseSession(session);
  api->ReleaseSessionOptions(options);
  api->ReleaseEnv(environment);
}
