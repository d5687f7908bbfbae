"""What a file stores, held against what its recipe asked for: a file in which nothing changed is a failure."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

from edgetool.errors import ExportError
from edgetool.ir.graph import Graph, Tensor
from edgetool.passes.base import QuantizationScheme

__all__ = ["StoredBytes", "count_stored", "require_changed", "share_note"]

#: Constants of fewer elements are an operator's numbers, or biases of one channel: no weights.
MIN_ELEMENTS = 2
#: Kernels of fewer weights stay float32 in dynamic TFLite files, as in those of TFLite's converter.
MIN_DYNAMIC_ELEMENTS = 1024
#: What to type where kernels are too small for weights in 8 bits alone.
SMALL_TOO = "take float32, or w8a8_static, which quantises small weights too"
_FLOATS = ("float32", "float64")
_HALVES = ("float16", "bfloat16")
_INTEGERS = ("int2", "uint2", "int4", "uint4", "int8", "uint8", "int16", "uint16")
#: Operators whose inputs from the second on are scales and zero points, no weights.
_SCALING = ("QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear")
#: A share of weights that stayed float32 that a reader wants to know of.
NOTABLE_SHARE = 0.1


@dataclass(frozen=True, slots=True)
class StoredBytes:
    """Elements of a file's constants by the kind of their type.

    Attributes:
        floats: in float32 or wider.
        halves: in half precision.
        integers: quantised to 16 bits or fewer.
        largest: name of the largest constant in float32; empty where there is none.
        largest_elements: its size.
        has_integer_activations: an activation is quantised.
    """

    floats: int
    halves: int
    integers: int
    largest: str
    largest_elements: int
    has_integer_activations: bool

    @property
    def is_integer(self) -> bool:
        """Whether anything is quantised."""
        return self.integers > 0 or self.has_integer_activations


def count_stored(graph: Graph) -> StoredBytes:
    """Count the constants that operators of `graph`, loops included, read as data; scales are no data."""
    floats = halves = integers = 0
    largest, size = "", 0
    graphs = (graph, *graph.subgraphs)
    for tensor in itertools.chain.from_iterable(_data_constants(part) for part in graphs):
        if tensor.dtype in _FLOATS:
            floats += tensor.num_elements
            if tensor.num_elements > size:
                largest, size = tensor.name, tensor.num_elements
        elif tensor.dtype in _HALVES:
            halves += tensor.num_elements
        elif tensor.dtype in _INTEGERS:
            integers += tensor.num_elements
    has_integers = any(_has_integer_activations(part) for part in graphs)
    return StoredBytes(floats, halves, integers, largest, size, has_integers)


def require_changed(graph: Graph, scheme: QuantizationScheme, subject: str) -> None:
    """Refuse a file in which nothing has the type that the recipe asked for.

    Args:
        graph: of the file.
        scheme: what the recipe asked for.
        subject: the file's name, for messages.

    Raises:
        ExportError: nothing is stored in that type; says what is there instead.
    """
    stored = count_stored(graph)
    if scheme.mode == "float16" and not stored.halves:
        raise _unchanged(subject, stored, "no weight in half precision", "weights in float16", "take float32")
    if scheme.mode == "dynamic" and not stored.integers:
        few = stored.floats and graph.format == "tflite" and stored.largest_elements < MIN_DYNAMIC_ELEMENTS
        limit = f", and kernels of fewer than {MIN_DYNAMIC_ELEMENTS:,} stay float32" if few else ""
        raise _unchanged(subject, stored, "no weight in 8 bits", "weights in int8", SMALL_TOO, limit)
    if scheme.mode == "static" and not stored.is_integer:
        raise _unchanged(
            subject,
            stored,
            "neither a weight nor an activation in integers",
            "integer operators",
            "take float32 or float16: the model has no operator that the recipe quantises",
        )


def share_note(graph: Graph, scheme: QuantizationScheme) -> tuple[str, ...]:
    """Say which share of the weights stayed float32 in a quantised file, where it is more than a tenth."""
    if scheme.mode == "none":
        return ()
    stored = count_stored(graph)
    total = stored.floats + stored.halves + stored.integers
    if not total or stored.floats / total <= NOTABLE_SHARE:
        return ()
    return (
        f"{stored.floats / total:.0%} of the weights are float32 all the same, the largest in "
        f"{stored.largest} ({stored.largest_elements:,} values)",
    )


def _unchanged(
    subject: str, stored: StoredBytes, found: str, expected: str, next_step: str, limit: str = ""
) -> ExportError:
    if stored.floats:
        why = (
            f"; the largest of its float32 constants is {stored.largest} with {stored.largest_elements:,} values{limit}"
        )
    else:
        why = "; the model has no weights"
    return ExportError(
        subject,
        found=f"{found}: the recipe changed nothing{why}",
        expected=expected,
        next_step=next_step,
    )


def _data_constants(graph: Graph) -> Iterator[Tensor]:
    """Yield every constant of `MIN_ELEMENTS` and more that an operator reads as data, each once."""
    seen: set[str] = set()
    input_scales = {op.outputs[1] for op in graph.ops if op.kind == "DynamicQuantizeLinear"}
    for op in graph.ops:
        if not input_scales.isdisjoint(op.inputs):  # the kernel's scales, beside those of its input
            continue
        names = op.inputs[:1] if op.kind in _SCALING else op.inputs
        for name in names:
            tensor = graph.tensors.get(name)
            if tensor is None or tensor.constant is None or name in seen:
                continue
            seen.add(name)
            if tensor.num_elements >= MIN_ELEMENTS:
                yield tensor


def _has_integer_activations(graph: Graph) -> bool:
    """Tell whether an operator gives integers that stand for real values."""
    for op in graph.ops:
        if op.kind in ("QuantizeLinear", "DynamicQuantizeLinear"):
            return True
        for name in op.outputs:
            tensor = graph.tensors.get(name)
            if tensor is not None and tensor.quantization is not None and tensor.dtype in _INTEGERS:
                return True
    return False
