"""What passes ensured, checked again in the file that ships."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from edgetool.errors import InvariantError
from edgetool.ir import read_graph
from edgetool.ir.kernels import find_kernel, list_kernels
from edgetool.passes.base import Invariant
from edgetool.passes.properties import measure_invariant
from edgetool.store.manifest import InvariantRecord

__all__ = ["check_exported", "require_passed"]


def check_exported(
    path: Path, invariants: Sequence[Invariant], kernels: Mapping[str, str]
) -> tuple[InvariantRecord, ...]:
    """Check every invariant on the tensors that the file stores, and that no kernel at all is wholly zero.

    Args:
        path: a `.tflite` or `.onnx` file.
        invariants: of the state that was exported.
        kernels: layer name -> tensor name, where the exporter knows it.
    """
    graph = read_graph(path)
    records: list[InvariantRecord] = []
    for invariant in invariants:
        kernel = find_kernel(graph, invariant.layer, invariant.kernel_shape, kernels.get(invariant.layer))
        if kernel is None:
            records.append(InvariantRecord(invariant.layer, invariant.kind, invariant.value, -1.0, False, "not found"))
            continue
        found, passed = measure_invariant(invariant.kind, invariant.value, kernel.values)
        records.append(InvariantRecord(invariant.layer, invariant.kind, invariant.value, found, passed, kernel.name))
    for kernel in list_kernels(graph):
        found, passed = measure_invariant("nonzero", 1, kernel.values)
        records.append(InvariantRecord(kernel.op, "nonzero", 1.0, found, passed, kernel.name))
    return tuple(records)


def require_passed(records: Sequence[InvariantRecord], artifact: str) -> None:
    """Raise on the first broken invariant.

    Raises:
        InvariantError: names the layer, what was found and what was ensured.
    """
    for record in records:
        if not record.passed:
            raise InvariantError(
                f"{artifact}: layer {record.layer}",
                found=f"{record.kind} {record.found:g} in tensor {record.tensor!r}",
                expected=f"{record.kind} {record.expected:g}",
                next_step="the report has every layer; another recipe may keep it",
            )
