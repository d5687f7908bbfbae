"""Run a file by its format's specification: what it means, whatever a runtime's fast kernels make of it.

ONNX has an evaluator, `onnx.reference`, which computes every integer operator in plain NumPy. Its float convolutions
and pools are loops in Python that take minutes; these are computed by onnxruntime, one operator at a time, in float32,
where no fast integer kernel can take part. TFLite's specification is LiteRT's reference kernels (`BUILTIN_REF`).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from edgetool.data.dataset import Array
from edgetool.errors import EdgetoolError, UnsupportedModelError
from edgetool.exporters.onnx.batch import fixed_batch, input_axes
from edgetool.exporters.onnx.graph import opset_of
from edgetool.runners.agent import place_samples
from edgetool.runners.base import Runner, RunPlan

if TYPE_CHECKING:
    from onnx import ValueInfoProto
    from onnx.reference.op_run import OpRun
    from onnxruntime import InferenceSession

__all__ = ["onnx_by_specification", "tflite_by_specification"]

#: Operators whose reference implementation loops in Python over positions, or knows one direction only.
_SLOW = ("Conv", "ConvTranspose", "MaxPool", "AveragePool", "LpPool", "LSTM", "GRU", "RNN", "Resize", "LRN")
TIMEOUT_S = 600.0
#: The first operator set whose QuantizeLinear and DequantizeLinear onnx.reference has.
OPSET_OF_PAIRS = 19


def onnx_by_specification(path: Path, inputs: tuple[Array, ...]) -> tuple[Array, ...]:
    """Return the outputs of an `.onnx` file by `onnx.reference`, each `[N, ...]`; samples run one by one.

    Args:
        path: the file.
        inputs: `[N, ...]` each, in the file's order.

    Raises:
        UnsupportedModelError: the evaluator lacks an operator of the file, or cannot compute it.
    """
    import onnx
    from onnx.reference import ReferenceEvaluator

    model = onnx.load(path)
    constants = {tensor.name for tensor in model.graph.initializer}
    values = [value for value in model.graph.input if value.name not in constants]
    try:
        evaluator = ReferenceEvaluator(
            model,
            new_ops=[*(_scaling() if opset_of(model) < OPSET_OF_PAIRS else []), *(_by_runtime(kind) for kind in _SLOW)],
        )
        axes, batch = input_axes(model.graph), fixed_batch(model.graph) or 1
        parts = []
        for start in range(0, len(inputs[0]), batch):
            feeds = {}
            for value, array in zip(values, inputs, strict=True):
                chunk = _filled(array[start : start + batch], batch).astype(_dtype(value))
                feeds[value.name] = place_samples(chunk, axes[value.name])
            parts.append([_samples_first(np.asarray(output), batch) for output in evaluator.run(None, feeds)])
    except Exception as exc:
        raise UnsupportedModelError(
            str(path),
            found=f"onnx.reference cannot evaluate it: {' '.join(f'{type(exc).__name__}: {exc}'.split())[:200]}",
            expected="operators that the specification's evaluator has",
            next_step="compare the file on the machine that is to run it: edgetool verify",
        ) from exc
    joined = [np.concatenate([part[index] for part in parts]) for index in range(len(parts[0]))]
    return tuple(array[: len(inputs[0])] for array in joined)


def tflite_by_specification(path: Path, inputs: tuple[Array, ...], runner: Runner) -> tuple[Array, ...]:
    """Return the outputs of a `.tflite` file by LiteRT's reference kernels, each `[N, ...]`.

    Raises:
        UnsupportedModelError: the reference kernels refuse the file, or abort on it.
    """
    try:
        session = runner.open(path, RunPlan(num_threads=1, kernels="reference", timeout_s=TIMEOUT_S))
        try:
            return session.outputs(inputs, batch_size=1)
        finally:
            session.close()
    except EdgetoolError as exc:
        raise UnsupportedModelError(
            str(path),
            found=f"LiteRT's reference kernels cannot run it: {exc.found}",
            expected="operators that they have",
            next_step="compare the file on the device that is to run it",
        ) from exc


def _samples_first(output: Array, batch: int) -> Array:
    """Return an output with its samples first, as the agent does; one without an axis for them gets one."""
    axis = next((axis for axis, size in enumerate(output.shape) if size == batch), None)
    return output[None] if axis is None else np.moveaxis(output, axis, 0)


def _filled(array: Array, batch: int) -> Array:
    """Repeat the last sample until the batch is full."""
    missing = batch - len(array)
    return np.concatenate([array, np.repeat(array[-1:], missing, axis=0)]) if missing else np.asarray(array)


def _dtype(value: ValueInfoProto) -> np.dtype[Any]:
    import onnx

    dtype: np.dtype[Any] = onnx.helper.tensor_dtype_to_np_dtype(value.type.tensor_type.elem_type)
    return dtype


def _scaling() -> list[type]:
    """Return the two operators of pairs for operator sets before 19, which onnx 1.23 has no implementation for.

    Set 19 added types and left what integers of 8 bits mean as it was.
    """
    from onnx.reference.ops.op_dequantize_linear import DequantizeLinear_19
    from onnx.reference.ops.op_quantize_linear import QuantizeLinear_19

    def without_later_attributes(kind: str, base: type[OpRun]) -> type:
        def run(self: OpRun, x: Array, scale: Array, zero: Array | None = None, axis: int = 1, **_: object) -> Any:
            return cast("Any", base)._run(self, x, scale, zero, axis=axis)

        return type(kind, (base,), {"_run": run})

    return [
        without_later_attributes("DequantizeLinear", DequantizeLinear_19),
        without_later_attributes("QuantizeLinear", QuantizeLinear_19),
    ]


def _by_runtime(kind: str) -> type:
    """Return an implementation of the operator `kind` for `onnx.reference`: a session of this one node."""
    from onnx.reference.op_run import OpRun

    def run(self: OpRun, *inputs: Array | None, **_: object) -> tuple[Array, ...]:
        given = {f"x{place}": array for place, array in enumerate(inputs) if array is not None}
        session = _one_node(self, given)
        return tuple(session.run(None, given))

    return type(kind, (OpRun,), {"_run": run})


def _one_node(op: OpRun, given: dict[str, Array]) -> InferenceSession:
    import onnx
    import onnxruntime

    node = onnx.NodeProto()
    node.CopyFrom(op.onnx_node)
    for place in range(len(node.input)):
        node.input[place] = f"x{place}" if f"x{place}" in given else ""
    values = [
        onnx.helper.make_tensor_value_info(name, onnx.helper.np_dtype_to_tensor_dtype(array.dtype), array.shape)
        for name, array in given.items()
    ]
    outputs = [onnx.ValueInfoProto(name=name) for name in node.output if name]
    opset = onnx.helper.make_opsetid("", op.run_params["opsets"][""])
    graph = onnx.helper.make_graph([node], "one", values, outputs)
    model = onnx.helper.make_model(graph, opset_imports=[opset], ir_version=8)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
