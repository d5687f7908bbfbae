"""Store a float ONNX model with int8 weights and integer activations, as QuantizeLinear and DequantizeLinear pairs.

onnxruntime's quantiser writes the pairs; ranges come from calibration or from quantise-aware training. What it leaves
is tidied: pairs that end in a float operator go, names are short again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from edgetool.data.dataset import Array
from edgetool.exporters.onnx.graph import (
    constant,
    consumers,
    convert_opset,
    copy_read_outputs,
    drop_unused,
    opset_of,
    producers,
    remove_copies,
    rename_values,
    replace_node,
    set_constant,
    strip_details,
)
from edgetool.exporters.onnx.quantize.scales import channel_scales, stack_scale
from edgetool.exporters.onnx.quantize.weights import has_int8, separate_tables, store_int8, store_tables
from edgetool.exporters.onnx.recurrent import RECURRENT_OPS
from edgetool.exporters.onnx.rewrite.first_conv import widen_first_conv
from edgetool.exporters.onnx.rewrite.gemm import is_transposed
from edgetool.exporters.onnx.rewrite.tidy import weight_nodes

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, NodeProto, ValueInfoProto

__all__ = ["STORED_OPS", "kernel_scales", "quantizable_nodes", "quantize"]

#: Operators that onnxruntime has integer CPU kernels for, or that move integers as they are. Softmax and other
#: functions of few values stay in float: there an integer kernel costs accuracy and gains nothing.
INTEGER_OPS = (
    "Add",
    "AveragePool",
    "Clip",
    "Concat",
    "Conv",
    "Flatten",
    "Gemm",
    "GlobalAveragePool",
    "LeakyRelu",
    "MatMul",
    "MaxPool",
    "Mul",
    "Pad",
    "Relu",
    "Reshape",
    "Resize",
    "Slice",
    "Split",
    "Squeeze",
    "Transpose",
    "Unsqueeze",
)
#: Operators without an integer kernel whose weights are stored as int8 even so, and widened while loading.
STORED_OPS = ("ConvTranspose", "Einsum", *RECURRENT_OPS)
#: The first opset whose QuantizeLinear knows 16-bit types.
OPSET_16_BIT = 21
#: onnxruntime takes an empty list of nodes for all of them.
NO_NODE = "no node"
#: What the quantiser appends to names.
SUFFIXES = {
    "_QuantizeLinear_Output": "/q",
    "_QuantizeLinear_Input": "/float",
    "_DequantizeLinear_Output": "/dq",
    "_DequantizeLinear/duplicated": "/dq",
    "_quantized": "",
    "_scale": "/scale",
    "_zero_point": "/zero",
}


def quantize(
    model: ModelProto,
    ranges: dict[str, tuple[float, float]],
    scales: dict[str, Array],
    *,
    bits: int,
    per_channel: bool,
    one_scale: frozenset[str] = frozenset(),
) -> ModelProto:
    """Return the quantised `ModelProto`.

    Args:
        model: float, as `onnx_convert.convert` gives it; not modified.
        ranges: tensor name -> (low, high); an operator with an activation that is not in it stays in float.
        scales: of `kernel_scales`.
        bits: of activations: 8 (asymmetric uint8) or 16 (asymmetric uint16).
        per_channel: one scale per output channel, for constants that `scales` does not name.
        one_scale: kernels that get one scale per tensor even so.
    """
    import onnx
    from onnxruntime.quantization import QDQQuantizer, QuantType

    source = onnx.ModelProto()
    source.CopyFrom(model)
    copies = copy_read_outputs(source.graph)
    ranges = {**ranges, **{copies[name]: limits for name, limits in ranges.items() if name in copies}}
    passed_on = _take_passed_on(source.graph)
    separate_tables(source.graph)
    chosen = quantizable_nodes(source.graph, ranges)
    _separate_biases(source.graph, chosen)
    if bits == 16 and opset_of(source) < OPSET_16_BIT:
        source = convert_opset(source, OPSET_16_BIT, str(model.graph.name))
    inferred = onnx.shape_inference.infer_shapes(source)
    ranges = {name: limits for name, limits in ranges.items() if name in _typed(inferred.graph)}
    quantizer = QDQQuantizer(
        inferred,
        per_channel,
        False,
        QuantType.QInt8,
        QuantType.QUInt8 if bits == 8 else QuantType.QUInt16,
        _tensors_data(ranges),
        quantizable_nodes(source.graph, ranges) or [NO_NODE],
        [],
        list(INTEGER_OPS),
        {"TensorQuantOverrides": _overrides(source.graph, scales)},
    )
    quantizer.quantize_model()
    quantizer.model.topological_sort()
    result: ModelProto = quantizer.model.model
    _drop_pairs_before_float(result.graph)
    remove_copies(result.graph, copies)
    for place, value in passed_on:
        result.graph.output.insert(place, value)
    _tidy_parameters(result.graph)
    drop_unused(result.graph)
    _shorten_names(result.graph)
    store_tables(result.graph)
    store_int8(result.graph, per_channel=per_channel, one_scale=one_scale, only=STORED_OPS)
    if not has_int8(result.graph):
        store_int8(result.graph, per_channel=per_channel, one_scale=one_scale, only=STORED_OPS, min_size=1)
    if bits == 8:
        widen_first_conv(result.graph)
        _flatten_channels_last(result)
    strip_details(result)
    return result


def _tensors_data(ranges: dict[str, tuple[float, float]]) -> Any:
    from onnxruntime.quantization import CalibrationMethod
    from onnxruntime.quantization.calibrate import TensorsData

    data = {name: (np.float32(low), np.float32(high)) for name, (low, high) in ranges.items()}
    return TensorsData(CalibrationMethod.MinMax, data)


def _take_passed_on(graph: GraphProto) -> list[tuple[int, ValueInfoProto]]:
    """Remove outputs that are inputs as they came, which onnxruntime's quantiser cannot sort; returns their places."""
    inputs = {value.name for value in graph.input}
    found = [(place, value) for place, value in enumerate(graph.output) if value.name in inputs]
    kept = [value for value in graph.output if value.name not in inputs]
    copies = [(place, type(value).FromString(value.SerializeToString())) for place, value in found]
    del graph.output[:]
    graph.output.extend(kept)
    return copies


def _typed(graph: GraphProto) -> set[str]:
    """Return the tensors whose type is known: behind an operator of another domain it is not."""
    return {value.name for value in (*graph.input, *graph.value_info, *graph.output)}


def _separate_biases(graph: GraphProto, chosen: list[str]) -> None:
    """Give each layer that is quantised a bias of its own: in integers their steps differ.

    onnxruntime makes copies too, and numbers them without a look at the names that there are (seen with 1.32).
    """
    readers = consumers(graph)
    for node in graph.node:
        is_layer = node.op_type in ("Conv", "Gemm") and node.name in chosen
        name = str(node.input[2]) if is_layer and len(node.input) > 2 else ""
        bias = constant(graph, name) if name else None
        if bias is not None and len(readers[name]) > 1:
            node.input[2] = set_constant(graph, f"{node.output[0]}/bias", bias)


def quantizable_nodes(graph: GraphProto, ranges: dict[str, tuple[float, float]]) -> list[str]:
    """Return the names of nodes all of whose activations have a range."""
    constants = {tensor.name for tensor in graph.initializer}
    names = []
    for node in graph.node:
        data = [name for name in (*node.input, *node.output) if name and name not in constants]
        kernel = constant(graph, node.input[1]) if node.op_type == "MatMul" else None
        if kernel is not None and kernel.ndim < 2:  # a vector has no scale a channel, and may saturate
            continue
        if node.op_type in INTEGER_OPS and all(name in ranges for name in data):
            names.append(node.name)
    return names


def kernel_scales(
    graph: GraphProto, nodes: list[str], *, bits: int, per_channel: bool, one_scale: frozenset[str] = frozenset()
) -> dict[str, Array]:
    """Return kernel name -> scales, `[O]` or `[1]`, of every kernel that integer operators read.

    Args:
        graph: of the float model.
        nodes: names of the operators that become integer ones, see `quantizable_nodes`.
        bits: of activations; products of 16-bit ones are exact.
        per_channel: one scale per output channel of a kernel.
        one_scale: kernels that get one scale per tensor even so.
    """
    found = {}
    for node, name in weight_nodes(graph):
        kernel = constant(graph, name)
        if node.name in nodes and kernel is not None and kernel.ndim > 1:
            if node.op_type == "MatMul" and kernel.ndim > 2:  # onnxruntime's integer kernel takes one scale
                found[name] = stack_scale(kernel, exact_pairs=bits == 8)
                continue
            each = per_channel and name not in one_scale
            axis = _output_axis(node, kernel)
            found[name] = channel_scales(kernel, axis, per_channel=each, exact_pairs=bits == 8)
    return found


def _overrides(graph: GraphProto, scales: dict[str, Array]) -> dict[str, list[dict[str, Any]]]:
    """Return onnxruntime's overrides: the scale of every channel of every kernel."""
    from onnxruntime.quantization import QuantType

    overrides = {}
    for node, name in weight_nodes(graph):
        kernel = constant(graph, name)
        if name not in scales or kernel is None:
            continue
        shared: dict[str, Any] = {"quant_type": QuantType.QInt8, "zero_point": np.array(0, np.int8)}
        place = {"axis": _output_axis(node, kernel)} if scales[name].size > 1 else {}
        overrides[name] = [{**shared, **place, "scale": np.array(scale, np.float32)} for scale in scales[name]]
    return overrides


def _output_axis(node: NodeProto, kernel: Array) -> int:
    if node.op_type == "Conv":
        return 0
    return 0 if is_transposed(node) else kernel.ndim - 1


def _drop_pairs_before_float(graph: GraphProto) -> None:
    """Let Gemm and MatMul give floats directly where nothing integer reads them: onnxruntime's kernels can."""
    made, readers = producers(graph), consumers(graph)
    outputs = {value.name for value in graph.output}
    for last in [node for node in graph.node if node.op_type == "DequantizeLinear"]:
        first = made.get(last.input[0])
        if first is None or first.op_type != "QuantizeLinear":
            continue
        source = made.get(first.input[0])
        follow = readers.get(last.output[0], [])
        integer = any(node.op_type in INTEGER_OPS for node in follow)
        alone = len(readers.get(first.output[0], [])) == 1 and len(readers.get(first.input[0], [])) == 1
        if source is None or source.op_type not in ("Gemm", "MatMul") or integer or not alone:
            continue
        plain = str(first.input[0])
        if last.output[0] in outputs:
            plain = source.output[0] = str(last.output[0])
        for node in follow:
            node.input[:] = [plain if name == last.output[0] else name for name in node.input]
        graph.node.remove(first)
        graph.node.remove(last)


def _flatten_channels_last(model: ModelProto) -> None:
    """Transpose a pooled image, `[N, C, 1, 1]`, to channels last before it is flattened: the values stay in order.

    onnxruntime runs integer convolutions and pools channels last, and transposes back to channels first where a Reshape
    reads the last of them. The two Transposes cancel each other while the model loads: one node less.
    """
    import onnx

    graph = model.graph
    made = producers(graph)
    ranks = {
        v.name: len(v.type.tensor_type.shape.dim) for v in onnx.shape_inference.infer_shapes(model).graph.value_info
    }
    for node in [node for node in graph.node if node.op_type in ("Flatten", "Reshape")]:
        chain = [node]
        for kind in ("DequantizeLinear", "QuantizeLinear", "GlobalAveragePool", "DequantizeLinear"):
            before = made.get(chain[-1].input[0])
            if before is None or before.op_type != kind:
                break
            chain.append(before)
        if len(chain) < 5 or ranks.get(node.input[0]) != 4 or not _keeps_samples_apart(graph, node):
            continue
        name = f"{node.output[0]}/channels_last"
        turn = onnx.helper.make_node("Transpose", [node.input[0]], [name], name=name, perm=[0, 2, 3, 1])
        node.input[0] = name
        replace_node(graph, node, [turn, node])


def _keeps_samples_apart(graph: GraphProto, node: NodeProto) -> bool:
    """Tell whether a Flatten or Reshape copies no dimension but the first: others change places."""
    if node.op_type == "Flatten":
        return next((a.i for a in node.attribute if a.name == "axis"), 1) == 1
    shape = constant(graph, node.input[1])
    return shape is not None and bool(np.all(shape[1:] != 0))


def _tidy_parameters(graph: GraphProto) -> None:
    """Make scales and zero points of one value scalars, which integer kernels ask for, and store equal zeros once."""
    shared: dict[str, str] = {}
    for node in graph.node:
        if node.op_type not in ("QuantizeLinear", "DequantizeLinear"):
            continue
        scale, zero = constant(graph, node.input[1]), constant(graph, node.input[2])
        assert scale is not None and zero is not None
        if scale.size == 1 and scale.ndim:
            set_constant(graph, node.input[1], scale.reshape(()))
        zero = zero.reshape(()) if zero.size == 1 else zero
        if zero.dtype == np.int32:
            del node.input[2:]  # zero is the default; biases need no type from it
            continue
        key = f"{zero.dtype.str}{zero.shape}{zero.tobytes().hex() if zero.any() else 0}"
        shared.setdefault(key, f"zero_{len(shared)}")
        node.input[2] = set_constant(graph, shared[key], zero)


def _shorten_names(graph: GraphProto) -> None:
    """Undo the quantiser's long suffixes; nodes that only convert types have no name."""
    names: dict[str, str] = {}
    taken = {value.name for value in (*graph.input, *graph.output)}
    every = [name for node in graph.node for name in (*node.input, *node.output)]
    for name in dict.fromkeys((*every, *(tensor.name for tensor in graph.initializer))):
        short = name
        for suffix, instead in SUFFIXES.items():
            short = short.replace(suffix, instead)
        while short in taken:
            short += "_"
        taken.add(short)
        names[name] = short
    rename_values(graph, lambda name: names[name])
    for node in graph.node:
        node.name = "" if node.op_type in ("QuantizeLinear", "DequantizeLinear") else node.output[0]
