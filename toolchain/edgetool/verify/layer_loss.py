"""Where an integer file loses what its float32 twin has: the input column, or the layer, behind which SQNR falls most.

Both files come from one exporter and name their tensors alike. Every tensor of both is read for a few samples, and each
channel is held against its own variation: one channel of a large range hides nothing of what it does to the others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict

import numpy as np

from edgetool.data.dataset import Array
from edgetool.ir import read_graph
from edgetool.ir.graph import Graph
from edgetool.schema import to_builtins

if TYPE_CHECKING:
    from ai_edge_litert.interpreter import Interpreter

    class _TensorDetail(TypedDict):
        """What LiteRT says of a tensor."""

        name: str
        index: int
        dtype: type[np.generic]
        shape: Array
        quantization: tuple[float, int]


__all__ = ["LayerLoss", "LossReport", "LostColumn", "find_losses", "report_losses"]

#: Samples that are run, one at a time.
MAX_SAMPLES = 24
#: What honest rounding to 8 bits gives or more; a channel counts as no better than that, and no worse than silence.
BEST_DB = 40.0
WORST_DB = -10.0
#: A column of an input below this is lost.
LOST_COLUMN_DB = 6.0
#: A bit. Smaller losses are nothing to name.
LEAST_LOSS_DB = 6.0
#: A channel that reaches so many times as far as the usual one takes the others' steps.
WIDE_RATIO = 8.0

Values = dict[str, Array]


@dataclass(frozen=True, slots=True)
class LostColumn:
    """A column of an input whose values one scale cannot hold.

    Attributes:
        input: name of the input.
        column: index along its last axis.
        reach: largest magnitude of the column.
        widest: column of the largest magnitude.
        widest_reach: that magnitude.
    """

    input: str
    column: int
    reach: float
    widest: int
    widest_reach: float


@dataclass(frozen=True, slots=True)
class LayerLoss:
    """The operator behind which SQNR falls most.

    Attributes:
        layer: name of its output, which is the layer's.
        kind: the format's name of the operator.
        before_db: mean of the channels' SQNR in front of it, at most `BEST_DB`.
        after_db: behind it.
        wide_channel: channel that reaches much further than the others; -1: there is none.
        wide_ratio: how many times as far as the usual one.
    """

    layer: str
    kind: str
    before_db: float
    after_db: float
    wide_channel: int = -1
    wide_ratio: float = 0.0


@dataclass(frozen=True, slots=True)
class LossReport:
    """What was found, and how near the outputs are to the float32 file's: the least of the outputs' figures."""

    output_db: float
    columns: tuple[LostColumn, ...]
    layer: LayerLoss | None


class _Channels:
    """Sums over samples, for each channel of one tensor."""

    def __init__(self) -> None:
        self.count = 0
        self.sums: Any = 0.0
        self.squares: Any = 0.0
        self.errors: Any = 0.0
        self.reach: Any = 0.0

    def add(self, trusted: Array, found: Array, axis: int) -> None:
        rows, errors = (np.moveaxis(a, axis, -1).reshape(-1, a.shape[axis]) for a in (trusted, found - trusted))
        self.count += len(rows)
        self.sums = self.sums + rows.sum(axis=0)
        self.squares = self.squares + (rows**2).sum(axis=0)
        self.errors = self.errors + (errors**2).sum(axis=0)
        self.reach = np.maximum(self.reach, np.abs(rows).max(axis=0))

    def decibels(self) -> Array:
        """Return each channel's SQNR about its mean; NaN where it does not vary."""
        variation = self.squares - self.sums**2 / self.count
        varies = variation > 1e-9 * np.maximum(self.squares, np.finfo(np.float64).tiny)
        with np.errstate(divide="ignore", invalid="ignore"):
            ratios = 10.0 * np.log10(variation / self.errors)
        return np.where(varies, np.clip(ratios, WORST_DB, BEST_DB), np.nan)

    def mean_db(self) -> float | None:
        found = self.decibels()
        return None if np.isnan(found).all() else float(np.nanmean(found))


def report_losses(reference: str, candidate: str, inputs_npy: Sequence[str]) -> dict[str, Any]:
    """Return `find_losses` as JSON, for a child process: an interpreter may die of a file."""
    inputs = tuple(np.load(name, allow_pickle=False) for name in inputs_npy)
    found: dict[str, Any] = to_builtins(find_losses(Path(reference), Path(candidate), inputs))
    return found


def find_losses(reference: Path, candidate: Path, inputs: tuple[Array, ...]) -> LossReport:
    """Compare the tensors of two files of one format and one model.

    Args:
        reference: computes in float32.
        candidate: computes in integers.
        inputs: `[N, ...]` each, in the files' order.
    """
    graph = read_graph(reference)
    run = _onnx_runs if graph.format == "onnx" else _tflite_runs
    samples = tuple(array[:MAX_SAMPLES] for array in inputs)
    found: dict[str, _Channels] = {}
    for trusted, values in zip(run(reference, samples), run(candidate, samples), strict=True):
        for name in trusted.keys() & values.keys():
            right, here = trusted[name], values[name]
            if right.ndim > 1 and right.shape == here.shape and right.dtype.kind == "f":
                axis = 1 if graph.format == "onnx" and right.ndim > 2 and name not in graph.inputs else right.ndim - 1
                channels = found.setdefault(name, _Channels())
                channels.add(right.astype(np.float64), here.astype(np.float64), axis)
    outputs = [found[name].mean_db() for name in graph.outputs if name in found]
    return LossReport(
        output_db=min((figure for figure in outputs if figure is not None), default=BEST_DB),
        columns=tuple(column for name in graph.inputs if name in found for column in _lost(name, found[name])),
        layer=_worst_layer(graph, found),
    )


def _lost(name: str, channels: _Channels) -> list[LostColumn]:
    widest = int(channels.reach.argmax())
    lost = np.flatnonzero(channels.decibels() < LOST_COLUMN_DB)
    reach = channels.reach
    return [LostColumn(name, int(i), float(reach[i]), widest, float(reach[widest])) for i in lost if i != widest]


def _worst_layer(graph: Graph, found: dict[str, _Channels]) -> LayerLoss | None:
    """Walk the float32 file; tensors that only one of the files has carry on what was in front of them."""
    figures: dict[str, float] = {}
    for name in graph.inputs:
        figure = found[name].mean_db() if name in found else None
        figures[name] = BEST_DB if figure is None else figure
    worst: LayerLoss | None = None
    for op in graph.ops:
        before = min((figures[name] for name in op.inputs if name in figures), default=BEST_DB)
        for name in op.outputs:
            after = found[name].mean_db() if name in found else None
            figures[name] = before if after is None else after
            loss = before - figures[name]
            if loss >= LEAST_LOSS_DB and (worst is None or loss > worst.before_db - worst.after_db):
                worst = LayerLoss(_layer_name(name), op.kind, before, figures[name], *_wide_channel(found[name]))
    return worst


def _layer_name(tensor: str) -> str:
    """Return a tensor's name without the number that tells a layer's several operators apart."""
    layer, _, number = tensor.rpartition("/")
    return layer if layer and number.isdigit() else tensor


def _wide_channel(channels: _Channels) -> tuple[int, float]:
    usual = float(np.median(channels.reach))
    widest = int(channels.reach.argmax())
    ratio = float(channels.reach[widest]) / max(usual, float(np.finfo(np.float32).tiny))
    return (widest, ratio) if len(channels.reach) > 2 and ratio > WIDE_RATIO else (-1, 0.0)


def _tflite_runs(path: Path, inputs: tuple[Array, ...]) -> Iterator[Values]:
    """Yield the values of every tensor of a `.tflite` file, dequantised, sample by sample."""
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    interpreter = Interpreter(
        str(path),
        experimental_preserve_all_tensors=True,
        experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
    )
    interpreter.allocate_tensors()
    graph = read_graph(path)
    details = {tensor["name"]: tensor for tensor in interpreter.get_tensor_details()}
    quantised = {op.inputs[0]: op.outputs[0] for op in graph.ops if op.kind == "QUANTIZE"}
    for position in range(len(inputs[0])):
        for detail, array in zip(interpreter.get_input_details(), inputs, strict=True):
            interpreter.set_tensor(detail["index"], _stored(array[position : position + 1], detail))
        interpreter.invoke()
        read = _reader(interpreter, details)
        names = {*graph.inputs, *(name for op in graph.ops for name in op.outputs)}
        yield {name: read(quantised.get(name, name)) for name in names if quantised.get(name, name) in details}


def _reader(interpreter: Interpreter, details: Mapping[str, _TensorDetail]) -> Callable[[str], Array]:
    def read(name: str) -> Array:
        values = np.asarray(interpreter.get_tensor(details[name]["index"]))
        scale, zero_point = details[name]["quantization"]
        if scale == 0.0 or values.dtype.kind not in "iu":
            return values
        return np.asarray((values.astype(np.float64) - zero_point) * scale)

    return read


def _stored(values: Array, detail: _TensorDetail) -> Array:
    """Return the values of an input as a file stores them."""
    dtype = np.dtype(detail["dtype"])
    scale, zero_point = detail["quantization"]
    if dtype.kind in "iu" and scale > 0.0 and values.dtype.kind == "f":
        limits = np.iinfo(dtype)
        values = np.clip(np.round(values / scale) + zero_point, limits.min, limits.max)
    return values.astype(dtype).reshape(detail["shape"])


def _onnx_runs(path: Path, inputs: tuple[Array, ...]) -> Iterator[Values]:
    """Yield the values of every tensor of an `.onnx` file, rounded ones as what is behind them reads them."""
    import onnx
    import onnxruntime

    model = onnx.load(path)
    inner = [name for node in model.graph.node for name in node.output if name]
    shown = {value.name for value in model.graph.output}
    model.graph.output.extend(onnx.helper.make_empty_tensor_value_info(name) for name in inner if name not in shown)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    steps = {node.input[0]: node.output[0] for node in model.graph.node if node.op_type == "QuantizeLinear"}
    backs = {node.input[0]: node.output[0] for node in model.graph.node if node.op_type == "DequantizeLinear"}
    rounded = {name: backs[step] for name, step in steps.items() if step in backs}
    names = [output.name for output in session.get_outputs()]
    for position in range(len(inputs[0])):
        feeds = {
            given.name: array[position : position + 1]
            for given, array in zip(session.get_inputs(), inputs, strict=True)
        }
        values = feeds | dict(zip(names, session.run(None, feeds), strict=True))
        yield {name: values[rounded.get(name, name)] for name in values}
