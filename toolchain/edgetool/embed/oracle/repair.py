"""Files that LiteRT refuses or dies of, and that other runtimes take: changed so that it computes the same.

- A quantised dimension that the tensor does not have, as TensorFlow 1's converter wrote for biases: the dimension that
  has as many elements as there are scales. TFLite Micro does not look at it.
- The scale of a softmax's input below 2^-26, of layers that never vary: it is taken for that. All exponentials are
  one either way.
- The scale of a sum below the larger of its inputs' scales by more than 2^19 (2^14 in 16 bits): it is taken for that,
  which is still a thousandth of an input's step.
- Sizes of images that the file computes from those of its inputs: numbers, as LiteRT finds them when it runs.
- `Convolution2DTransposeBias`, which MediaPipe alone has: TRANSPOSE_CONV with a bias computes the same.

For the second and third LiteRT ends the process (`TFLITE_CHECK` in tflite/kernels/internal/quantization_util.cc).
"""

from __future__ import annotations

import copy
import struct
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from edgetool.embed.compiler.sizes import computed_size
from edgetool.embed.ops.binary import SUM_SHIFT, WIDE_SUM_SHIFT
from edgetool.errors import FileFormatError
from edgetool.importers.tflite_sizes import with_fixed_sizes
from edgetool.ir.graph import Graph, Op
from edgetool.ir.tflite import read_tflite

if TYPE_CHECKING:
    from ai_edge_litert.schema_py_generated import ModelT, OperatorT

__all__ = ["repaired", "repairs"]

#: A factor must be above or below one, not at it.
MARGIN = 1.0 + 2.0**-20

#: Its options are three integers: padding (1: same, 2: valid), stride of rows and columns.
#: Source: mediapipe/util/tflite/operations/transpose_conv_bias.cc.
TRANSPOSE_BIAS = "CUSTOM:Convolution2DTransposeBias"


def repairs(path: Path) -> tuple[str, ...]:
    """Return what is changed in a `.tflite` file so that LiteRT runs it, in words; nothing for most files.

    Raises:
        FileFormatError, UnsupportedModelError: see `read_tflite`.
    """
    graph = read_tflite(path)
    num_dimensions = sum(_is_lost(graph, name) for name in graph.tensors)
    found = [f"the quantised dimension of {num_dimensions} tensors"] if num_dimensions else []
    found += ["computed sizes"] if _has_computed_sizes(graph) else []
    num_custom = sum(op.kind == TRANSPOSE_BIAS for op in graph.ops)
    found += [f"{num_custom} Convolution2DTransposeBias"] if num_custom else []
    counts = {kind: sum(_least_scale(graph, op) is not None for op in graph.ops if op.kind == kind) for kind in _SCALED}
    found += [f"the scale of {count} {kind}" for kind, count in counts.items() if count]
    return tuple(found)


def repaired(path: Path) -> bytes:
    """Return the file with the changes that `repairs` names.

    Args:
        path: a file that `read_tflite` has read.

    Raises:
        FileFormatError: damaged where `read_tflite` does not look.
        UnsupportedModelError: sizes that depend on the values of inputs.
    """
    graph = read_tflite(path)
    if _has_computed_sizes(graph):
        with tempfile.TemporaryDirectory(prefix="edgetool-") as folder:
            sized = Path(folder) / path.name
            sized.write_bytes(with_fixed_sizes(path, graph, {}))
            return repaired(sized) if repairs(sized) else sized.read_bytes()
    try:
        return _rewritten(path)
    except (struct.error, IndexError, KeyError, TypeError, ValueError, AttributeError, OverflowError) as exc:
        raise FileFormatError(
            str(path),
            found=f"a structure that cannot be read ({type(exc).__name__}: {exc})",
            expected="a model as a converter wrote it",
            next_step="export the model again",
        ) from None


def _has_computed_sizes(graph: Graph) -> bool:
    """Tell whether LiteRT can find sizes: a file with custom operators may not run, and is refused for them."""
    return computed_size(graph) is not None and not any(op.kind.startswith("CUSTOM:") for op in graph.ops)


def _rewritten(path: Path) -> bytes:
    from edgetool.exporters.tflite.file import pack, unpack

    graph = read_tflite(path)
    model = unpack(path.read_bytes())
    main = model.subgraphs[0]
    names = list(graph.tensors)
    for name, tensor in zip(names, main.tensors, strict=True):
        if _is_lost(graph, name):
            sizes = [int(size) for size in tensor.shape]
            scales = len(tensor.quantization.scale)
            tensor.quantization.quantizedDimension = sizes.index(scales) if scales in sizes else 0
    operators = []
    for op, given in zip(graph.ops, list(main.operators), strict=True):
        if op.kind == TRANSPOSE_BIAS:
            operators.append(_transpose_conv(model, given))
            continue
        scale = _least_scale(graph, op)
        operators += [given] if scale is None else _with_scale(model, op, given, scale)
    main.operators = operators
    return pack(model)


def _is_lost(graph: Graph, name: str) -> bool:
    """Tell whether a tensor's scales belong to a dimension that it does not have."""
    tensor = graph.tensors[name]
    quantization = tensor.quantization
    return quantization is not None and len(quantization.scale) > 1 and quantization.dimension >= len(tensor.shape)


_SCALED = ("ADD", "LOG_SOFTMAX", "SOFTMAX")


def _least_scale(graph: Graph, op: Op) -> float | None:
    """Return the scale that LiteRT computes with in place of the operator's; None where that will do."""
    if op.kind not in _SCALED or not op.outputs:
        return None
    tensors = [graph.tensors[name] for name in (*op.inputs, *op.outputs) if name]
    if len(tensors) < 2:
        return None
    scales = [0.0 if tensor.quantization is None else float(tensor.quantization.scale[0]) for tensor in tensors]
    if any(tensor.dtype not in ("int8", "uint8", "int16") for tensor in tensors) or not all(scales):
        return None
    if op.kind == "ADD":
        shift = WIDE_SUM_SHIFT if tensors[-1].dtype == "int16" else SUM_SHIFT
        least = 2.0 * max(scales[:-1]) / (1 << shift)
        return least * MARGIN if scales[-1] <= least else None
    beta = float(op.attributes.get("beta", 1.0)) or 1.0
    least = 2.0**-26 / beta
    return least * MARGIN if tensors[0].dtype != "int16" and scales[0] <= least else None


def _transpose_conv(model: ModelT, operator: OperatorT) -> OperatorT:
    """Return MediaPipe's operator as the one of TFLite, whose first input is the output's shape."""
    from ai_edge_litert import schema_py_generated as schema

    from edgetool.exporters.tflite.file import operator_code

    graph = model.subgraphs[0]
    padding, stride_h, stride_w = struct.unpack("<3i", bytes(operator.customOptions))
    shape = schema.TensorT()
    sizes = np.array(graph.tensors[int(operator.outputs[0])].shape, np.int32)
    shape.name, shape.type, shape.shape = b"output shape", schema.TensorType.INT32, np.array([sizes.size], np.int32)
    shape.buffer = len(model.buffers)
    buffer = schema.BufferT()
    buffer.data = np.frombuffer(sizes.tobytes(), np.uint8)
    model.buffers.append(buffer)
    graph.tensors.append(shape)
    source, weights, bias = (int(index) for index in operator.inputs)
    made = schema.OperatorT()
    made.opcodeIndex = operator_code(model, schema.BuiltinOperator.TRANSPOSE_CONV, 3)
    made.inputs = np.array([len(graph.tensors) - 1, weights, source, bias], np.int32)
    made.outputs = operator.outputs
    made.builtinOptionsType = schema.BuiltinOptions.TransposeConvOptions
    made.builtinOptions = schema.TransposeConvOptionsT()
    made.builtinOptions.padding = schema.Padding.SAME if padding == 1 else schema.Padding.VALID
    made.builtinOptions.strideH, made.builtinOptions.strideW = stride_h, stride_w
    return made


def _with_scale(model: ModelT, op: Op, operator: OperatorT, scale: float) -> list[OperatorT]:
    """Return the operator with another scale of its result (ADD) or input, and a RESHAPE, which looks at none."""
    from ai_edge_litert import schema_py_generated as schema

    from edgetool.exporters.tflite.file import operator_code

    graph = model.subgraphs[0]
    is_sum = op.kind == "ADD"
    inner = len(graph.tensors)
    outer = int((operator.outputs if is_sum else operator.inputs)[0])
    tensor = copy.deepcopy(graph.tensors[outer])
    tensor.name, tensor.buffer = (tensor.name or b"") + b" rescaled", 0
    tensor.quantization.scale = np.array([scale], np.float32)
    graph.tensors.append(tensor)
    reshape = schema.OperatorT()
    reshape.opcodeIndex = operator_code(model, schema.BuiltinOperator.RESHAPE, 1)
    reshape.inputs, reshape.outputs = np.array([outer], np.int32), np.array([inner], np.int32)
    reshape.builtinOptionsType = schema.BuiltinOptions.ReshapeOptions
    reshape.builtinOptions = schema.ReshapeOptionsT()
    reshape.builtinOptions.newShape = np.array(tensor.shape, np.int32)
    changed = copy.copy(operator)
    if not is_sum:
        changed.inputs = np.array([inner], np.int32)
        return [reshape, changed]
    changed.outputs = np.array([inner], np.int32)
    reshape.inputs, reshape.outputs = changed.outputs, np.array([outer], np.int32)
    return [changed, reshape]
