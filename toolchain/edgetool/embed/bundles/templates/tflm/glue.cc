/* $name in TensorFlow Lite Micro: written by edgetool; do not edit. */
#include "${name}_tflm.h"

#include "tensorflow/lite/micro/micro_interpreter.h"
#include "tensorflow/lite/micro/micro_mutable_op_resolver.h"
#include "tensorflow/lite/schema/schema_generated.h"

/* TFLM's classes are in tflite, since 2026 in tflite::micro: both are looked in. */
namespace tflite {
namespace micro {}
}  // namespace tflite

namespace {

using namespace tflite;
using namespace tflite::micro;

using Resolver = MicroMutableOpResolver<$num_operators>;

alignas(16) ${upper}_ARENA_ATTRIBUTE unsigned char arena_[${upper}_ARENA_BYTES];
MicroInterpreter *started_ = nullptr;

/* kTfLiteOk is 0. */
template <class Status>
bool is_ok(Status status) {
  return static_cast<int>(status) == 0;
}

bool add_operators(Resolver *resolver) {
  bool ok = true;
$add_operators
  return ok;
}

bool fits(MicroInterpreter *interpreter) {
  if (interpreter->inputs_size() != ${upper}_NUM_INPUTS || interpreter->outputs_size() != ${upper}_NUM_OUTPUTS) {
    return false;
  }
  bool ok = true;
$check_tensors
  return ok;
}

}  // namespace

int ${name}_init(void) {
  const auto *model_ = GetModel(${name});
  if (model_->version() != 3) {
    return ${upper}_ERROR_SCHEMA;
  }
  static Resolver resolver_;
  static const bool is_complete = add_operators(&resolver_);
  if (!is_complete) {
    return ${upper}_ERROR_OPERATOR;
  }
  static MicroInterpreter interpreter_(model_, resolver_, arena_, sizeof arena_);
  if (!is_ok(interpreter_.AllocateTensors())) {
    return ${upper}_ERROR_ARENA;
  }
  if (!fits(&interpreter_)) {
    return ${upper}_ERROR_TENSOR;
  }
  started_ = &interpreter_;
  return ${upper}_OK;
}

int ${name}_invoke(void) {
  if (started_ == nullptr) {
    return ${upper}_ERROR_STATE;
  }
  return is_ok(started_->Invoke()) ? ${upper}_OK : ${upper}_ERROR_INVOKE;
}

$define_tensors

size_t ${name}_arena_used_bytes(void) { return started_ == nullptr ? 0 : started_->arena_used_bytes(); }

const char *${name}_error(int status) {
  static const char *const words[] = {
      "ok", "schema version", "operator not registered", "arena too small", "other inputs or outputs", "kernel failed",
      "not started"};
  return status >= 0 && status <= ${upper}_ERROR_STATE ? words[status] : "unknown status";
}
