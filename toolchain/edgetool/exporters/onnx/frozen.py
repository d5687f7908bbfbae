"""Bring a float ONNX model of any origin into the form that the quantising steps expect.

1. Functions are inlined, old operator sets raised to 18, initialisers taken off the inputs.
2. onnxruntime folds constants and batch normalisation (basic level: standard operators only).
3. Dense layers become `Gemm`, pools `GlobalAveragePool`, pads go into convolutions, as for models from Keras
   (`onnx_tidy`).
4. A fixed batch of 1 is opened where the model then still gives the same outputs for each sample.
5. Nodes get unique names.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import numpy as np

from edgetool.data.dataset import Array
from edgetool.errors import ExportError
from edgetool.exporters.onnx.graph import constant, convert_opset, opset_of, set_constant, strip_details
from edgetool.exporters.onnx.rewrite.tidy import tidy_plain
from edgetool.importers.onnx_fold import fold_constants

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, ValueInfoProto

__all__ = ["MIN_OPSET", "prepare"]

#: The operator set that models from Keras have, and that the quantising steps are tested with.
MIN_OPSET = 18
MIN_IR_VERSION = 8
#: From here on QuantizeLinear and DequantizeLinear take one scale a channel.
QUANTIZABLE_OPSET = 13
#: Largest difference, relative to the largest output, up to which a batch gives the same as single samples.
BATCH_TOLERANCE = 1e-5
PROBE_BATCH = 3


def prepare(content: bytes, name: str) -> ModelProto:
    """Return the `ModelProto`, float32, its batch open where that can be.

    Args:
        content: of a model that importers checked: float32, no graphs within the graph.
        name: for messages.

    Raises:
        ExportError: onnxruntime or the version converter refused it.
    """
    import onnx

    return onnx.load_from_string(_prepared(content, name))


@functools.lru_cache(maxsize=1)
def _prepared(content: bytes, name: str) -> bytes:
    """Do the work once a model: recipes only differ in how they quantise it."""
    import onnx
    import onnx.inliner

    model = onnx.load_from_string(content)
    if model.functions:
        model = onnx.inliner.inline_local_functions(model)
    _inputs_only(model)
    model = _raise_opset(model, name)
    model = fold_constants(model, name)
    _constants_as_initializers(model.graph)
    tidy_plain(model)
    _name_nodes(model.graph)
    model = _open_batch(model)
    strip_details(model)
    prepared: bytes = model.SerializeToString()
    return prepared


def _inputs_only(model: ModelProto) -> None:
    """Take initialisers off the inputs, where IR versions before 4 must list them."""
    graph = model.graph
    model.ir_version = max(int(model.ir_version), MIN_IR_VERSION)
    constants = {tensor.name for tensor in graph.initializer}
    kept = [value for value in graph.input if value.name not in constants]
    del graph.input[:]
    graph.input.extend(kept)


def _raise_opset(model: ModelProto, name: str) -> ModelProto:
    """Return the model in `MIN_OPSET`; as it is where it is newer, or new enough and does not convert."""
    found = opset_of(model)
    if found >= MIN_OPSET:
        return model
    try:
        return convert_opset(model, MIN_OPSET, name)
    except ExportError:
        if found >= QUANTIZABLE_OPSET:
            return model
        raise


def _constants_as_initializers(graph: GraphProto) -> None:
    """Turn Constant nodes of numbers into initialisers, which the quantising steps look for."""
    from onnx import numpy_helper

    for node in [node for node in graph.node if node.op_type == "Constant"]:
        attribute = node.attribute[0]
        values: Array | None = None
        if attribute.name == "value":
            values = numpy_helper.to_array(attribute.t)
        elif attribute.name in ("value_float", "value_floats"):
            values = np.array(attribute.f if attribute.name == "value_float" else list(attribute.floats), np.float32)
        elif attribute.name in ("value_int", "value_ints"):
            values = np.array(attribute.i if attribute.name == "value_int" else list(attribute.ints), np.int64)
        if values is not None:
            set_constant(graph, node.output[0], values)
            graph.node.remove(node)


def _name_nodes(graph: GraphProto) -> None:
    """Give every node a name of its own: its first output's, which is unique."""
    for node in graph.node:
        node.name = next(name for name in node.output if name)


def _open_batch(model: ModelProto) -> ModelProto:
    """Return the model with its batch of 1 open, if every sample of a larger batch then gives the same outputs."""
    import onnx

    graph = model.graph
    batches = [_batch(value) for value in graph.input]
    if batches != [1] * len(batches):
        return model
    opened = onnx.ModelProto()
    opened.CopyFrom(model)
    for value in (*opened.graph.input, *opened.graph.output):
        dims = value.type.tensor_type.shape.dim
        if dims and dims[0].dim_value == 1:
            dims[0].dim_param = "N"
    del opened.graph.value_info[:]
    _free_reshapes(opened.graph)
    return opened if _same_by_sample(model, opened) else model


def _batch(value: ValueInfoProto) -> int:
    dims = value.type.tensor_type.shape.dim
    return int(dims[0].dim_value) if dims and dims[0].HasField("dim_value") else 0


def _free_reshapes(graph: GraphProto) -> None:
    """Let shapes that begin with a constant 1 take the batch: as the open dimension, or copied from the input."""
    for node in graph.node:
        shape = constant(graph, node.input[1]) if node.op_type == "Reshape" else None
        if shape is None or shape.ndim != 1 or shape.size == 0 or shape[0] != 1:
            continue
        freed = shape.copy()
        freed[0] = -1 if not np.any(shape == -1) else 0
        node.input[1] = set_constant(graph, f"{node.output[0]}/shape", freed)


def _same_by_sample(single: ModelProto, opened: ModelProto) -> bool:
    """Run seeded samples one by one and together."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    random = np.random.default_rng(0)
    feeds: dict[str, Array] = {}
    for value in single.graph.input:
        shape = [int(dim.dim_value) for dim in value.type.tensor_type.shape.dim]
        feeds[value.name] = _sample([PROBE_BATCH, *shape[1:]], value.type.tensor_type.elem_type, random)
    try:
        both = [
            onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
            for model in (single, opened)
        ]
        together = both[1].run(None, feeds)
        one_by_one = [both[0].run(None, {k: v[i : i + 1] for k, v in feeds.items()}) for i in range(PROBE_BATCH)]
    except Exception:  # noqa: BLE001 - whatever onnxruntime raises, the batch stays as it is
        return False
    for index, found in enumerate(together):
        expected = np.concatenate([outputs[index] for outputs in one_by_one])
        if found.shape != expected.shape:
            return False
        limit = BATCH_TOLERANCE * max(1e-12, float(np.abs(expected).max(initial=0.0)))
        if not np.allclose(found, expected, rtol=0.0, atol=limit, equal_nan=True):
            return False
    return True


def _sample(shape: list[int], kind: int, random: np.random.Generator) -> Array:
    import onnx

    dtype = onnx.helper.tensor_dtype_to_np_dtype(kind)
    if np.issubdtype(dtype, np.floating):
        return random.random(shape).astype(dtype)
    return random.integers(0, 2, shape).astype(dtype)
