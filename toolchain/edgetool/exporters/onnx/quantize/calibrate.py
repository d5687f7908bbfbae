"""Measure activation ranges on calibration samples by running the float ONNX model.

onnxruntime's own calibrators keep every activation of every sample in memory, or the extremes alone. Here two passes
give a histogram of each tensor in constant memory: the first finds the extremes, the second counts. Batches are as
large as `ACTIVATION_BYTES` allows; of a model that exceeds it with one sample, the activations are fetched in parts,
each in a run of its own.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from edgetool.data.dataset import Array, Split
from edgetool.errors import ExportError
from edgetool.exporters.onnx.batch import fixed_batch, input_axes
from edgetool.runners.agent import place_samples

if TYPE_CHECKING:
    from onnx import ModelProto

__all__ = ["BATCH_SIZE", "Ranges", "clip_range", "measure_ranges", "run_activations", "usable_ranges"]

#: Tensor name -> (low, high).
Ranges = dict[str, tuple[float, float]]

#: Shares of the values that may be clipped at either end of a range, of which an export takes the better one.
#: ReLU networks lose by more (ResNet-8: 28.5 and 26.6 dB), those with swish gain (a small one: 20.3 and 24.9 dB).
TAILS = (1e-5, 1e-4)
NUM_BINS = 8192
BATCH_SIZE = 20
#: What the activations of one batch may take together.
ACTIVATION_BYTES = 96 << 20
#: An activation that gets this large is no quantity but the mark of a mask.
LARGEST = 1e6
#: Values of one tensor and batch that are counted at most; more are thinned out evenly.
MAX_VALUES = 1_000_000


def measure_ranges(
    model: ModelProto, samples: Split, input_names: list[str], tails: Sequence[float] = TAILS
) -> list[Ranges]:
    """Return the ranges of every float activation of `model`, once for each share of values that is clipped.

    Inputs of the graph keep their whole range.

    Args:
        model: float `ModelProto`; not modified.
        samples: inputs in the order of `input_names`.
        input_names: the graph's inputs.
        tails: shares of the values that may be clipped at either end.

    Raises:
        ExportError: an activation is NaN or infinite.
    """
    inner = _float_activations(model)
    lows = dict.fromkeys(inner, np.inf)
    highs = dict.fromkeys(inner, -np.inf)
    for activations in run_activations(model, samples, input_names, inner):
        for name, values in activations.items():
            _require_finite(name, values)
            lows[name] = min(lows[name], float(values.min()))
            highs[name] = max(highs[name], float(values.max()))
    counts = {name: np.zeros(NUM_BINS, np.int64) for name in inner if highs[name] > lows[name]}
    for activations in run_activations(model, samples, input_names, list(counts)):
        for name, values in activations.items():
            thin = values.ravel()[:: max(1, values.size // MAX_VALUES)]
            counts[name] += _histogram(thin, lows[name], highs[name])
    whole = {name: (lows[name], highs[name]) for name in inner}
    for name, values in zip(input_names, samples.inputs, strict=True):
        if values.dtype.kind == "f":
            _require_finite(name, values)
            whole[name] = (float(values.min()), float(values.max()))
    return [
        whole | {name: clip_range(histogram, lows[name], highs[name], tail) for name, histogram in counts.items()}
        for tail in tails
    ]


def usable_ranges(ranges: Ranges) -> Ranges:
    """Return the ranges without those that no integer step serves: scores that a mask lowered by -1e9.

    Operators on activations without a range stay in float.
    """
    return {name: (low, high) for name, (low, high) in ranges.items() if max(-low, high) < LARGEST}


def run_activations(
    model: ModelProto, samples: Split, input_names: list[str], wanted: list[str]
) -> Iterator[dict[str, Array]]:
    """Run the model on batches of samples and yield the tensors `wanted` of each batch, by name.

    Where they would take too much memory, they come in parts: all batches of some tensors, then of others.

    Args:
        model: float `ModelProto`; not modified.
        samples: inputs in the order of `input_names`.
        input_names: the graph's inputs.
        wanted: inner tensors, outputs or inputs of the graph.
    """
    inner = [name for name in wanted if name not in input_names]
    fixed = fixed_batch(model.graph)
    sizes = {name: size * (fixed or 1) for name, size in _sample_bytes(model).items()}
    parts, batch = _parts(inner, sizes, min(BATCH_SIZE, samples.num_samples))
    for index, part in enumerate(parts):
        given = [name for name in wanted if name in input_names] if index == 0 else []
        yield from _run_part(model, _filled(samples, fixed), input_names, part, given, fixed or batch)


def _run_part(
    model: ModelProto, samples: Split, input_names: list[str], inner: list[str], given: list[str], batch: int
) -> Iterator[dict[str, Array]]:
    """Yield the tensors `inner` and the inputs `given` of each batch."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.enable_cpu_mem_arena = False  # it would keep the most that any batch took, twice over
    session = onnxruntime.InferenceSession(_with_outputs(model, inner), options, providers=["CPUExecutionProvider"])
    axes, dtypes = input_axes(model.graph), _input_dtypes(model)
    for inputs, _ in samples.batches(batch):
        feeds = {
            name: place_samples(x.astype(dtypes[name], copy=False), axes[name])
            for name, x in zip(input_names, inputs, strict=True)
        }
        found = dict(zip(inner, session.run(inner, feeds), strict=True)) if inner else {}
        yield found | {name: feeds[name] for name in given}


def _parts(names: list[str], sizes: dict[str, int], most: int) -> tuple[list[list[str]], int]:
    """Return the tensors in parts that are fetched together, and how many samples at a time.

    Args:
        names: tensors.
        sizes: bytes of one sample, for those whose shape is known; others count as the largest of these.
        most: samples at a time, at most.
    """
    largest = max(sizes.values(), default=1)
    needed = [sizes.get(name, largest) for name in names]
    total = max(1, sum(needed))
    if total <= ACTIVATION_BYTES:
        return [names], min(most, ACTIVATION_BYTES // total)
    parts: list[list[str]] = [[]]
    taken = 0
    for name, size in zip(names, needed, strict=True):
        if parts[-1] and taken + size > ACTIVATION_BYTES:
            parts.append([])
            taken = 0
        parts[-1].append(name)
        taken += size
    return parts, 1


def _sample_bytes(model: ModelProto) -> dict[str, int]:
    """Return the bytes that one sample takes in each activation whose shape can be inferred; open sizes count as 1."""
    import onnx

    inferred = onnx.shape_inference.infer_shapes(model)
    sizes = {}
    for value in (*inferred.graph.value_info, *inferred.graph.output):
        kind = value.type.tensor_type
        if kind.HasField("shape") and kind.elem_type:
            elements = math.prod(max(1, int(dim.dim_value)) for dim in list(kind.shape.dim)[1:])
            sizes[str(value.name)] = elements * np.dtype(onnx.helper.tensor_dtype_to_np_dtype(kind.elem_type)).itemsize
    return sizes


def _input_dtypes(model: ModelProto) -> dict[str, Any]:
    """Return what each input of the graph takes: loaders may give integers of another width."""
    import onnx

    return {v.name: onnx.helper.tensor_dtype_to_np_dtype(v.type.tensor_type.elem_type) for v in model.graph.input}


def _filled(samples: Split, batch: int | None) -> Split:
    """Repeat the last sample until whole batches are full."""
    missing = -samples.num_samples % batch if batch else 0
    if not missing:
        return samples
    return Split(samples.name, tuple(np.concatenate([x, np.repeat(x[-1:], missing, axis=0)]) for x in samples.inputs))


def clip_range(counts: Array, low: float, high: float, tail: float) -> tuple[float, float]:
    """Return the range without its tails, each at most the share `tail` of all values.

    Args:
        counts: histogram of evenly wide bins between `low` and `high`.
        low: lower edge of the first bin.
        high: upper edge of the last bin.
        tail: share of all values.
    """
    share = np.cumsum(counts) / counts.sum()
    edges = np.linspace(low, high, counts.size + 1)
    first = int(np.searchsorted(share, tail, side="right"))
    last = int(np.searchsorted(share, 1.0 - tail, side="left"))
    return float(edges[first]), float(edges[min(last + 1, counts.size)])


def _require_finite(name: str, values: Array) -> None:
    """Raise where an activation is NaN or infinite.

    Raises:
        ExportError: names the tensor.
    """
    if np.isfinite(values.min()) and np.isfinite(values.max()):
        return
    raise ExportError(
        f"activation {name!r}",
        found="NaN or infinity on calibration data",
        expected="finite values, which have a range",
        next_step="check the model's weights and the scale of its inputs",
    )


def _histogram(values: Array, low: float, high: float) -> Array:
    """Count float32 values in even bins; three times as fast as `numpy.histogram`, whose edges are exact."""
    scaled = (values - np.float32(low)) * np.float32(NUM_BINS / (high - low))
    return np.bincount(np.minimum(scaled, NUM_BINS - 1).astype(np.int32), minlength=NUM_BINS)


def _float_activations(model: ModelProto) -> list[str]:
    """Return the names of float32 tensors that nodes make, in graph order."""
    import onnx

    inferred = onnx.shape_inference.infer_shapes(model)
    kinds = {v.name: v.type.tensor_type.elem_type for v in (*inferred.graph.value_info, *inferred.graph.output)}
    made = [name for node in model.graph.node for name in node.output]
    return [name for name in made if kinds.get(name) == onnx.TensorProto.FLOAT]


def _with_outputs(model: ModelProto, names: list[str]) -> bytes:
    """Return the bytes of the model with `names` as its outputs."""
    import onnx

    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    del copy.graph.output[:]
    copy.graph.output.extend(onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None) for name in names)
    content: bytes = copy.SerializeToString()
    return content
