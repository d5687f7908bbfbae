"""What passes ensured, checked again in the exported file, because later stages are known to break it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path

from edgetool.errors import InvariantError
from edgetool.invariants import Invariant, Nonzero, from_record
from edgetool.ir import read_graph
from edgetool.ir.graph import Graph
from edgetool.ir.kernels import KernelTensor, find_kernel, list_kernels
from edgetool.records import InvariantRecord

__all__ = ["check_exported", "check_graph", "require_passed"]


def check_exported(
    path: Path, invariants: Sequence[Invariant], kernels: Mapping[str, str], zero_layers: Collection[str] = ()
) -> tuple[InvariantRecord, ...]:
    """Check `invariants` on the tensors that a `.tflite` or `.onnx` file stores.

    Integers count minus their zero point, sparse encodings as the dense tensor they stand for. That no kernel is wholly
    zero is checked of every kernel of the file, asked for or not.

    Args:
        path: the exported file.
        invariants: what passes ensured, in Keras terms.
        kernels: Keras layer name -> name of its kernel's tensor in the file, where the exporter knows it.
        zero_layers: layers whose kernel the source model has as zeros (an untrained layer): it may be zero here too.

    Returns:
        One record for each invariant, and a `nonzero` record for each further kernel, but those that may be zero. A
        kernel that the file no longer has is a record that did not pass, with `found` -1.

    Raises:
        FileFormatError: the file is damaged.
    """
    return check_graph(read_graph(path), invariants, kernels, zero_layers)


def check_graph(
    graph: Graph, invariants: Sequence[Invariant], kernels: Mapping[str, str], zero_layers: Collection[str] = ()
) -> tuple[InvariantRecord, ...]:
    """Check `invariants` on a graph; see `check_exported`."""
    records: list[InvariantRecord] = []
    layer_of: dict[str, str] = {tensor: layer for layer, tensor in kernels.items()}
    for invariant in invariants:
        kernel = find_kernel(graph, invariant.layer, invariant.kernel_shape, kernels.get(invariant.layer))
        records.append(_check(invariant, kernel))
        if kernel is not None:
            layer_of[kernel.name] = invariant.layer
    checked = {record.tensor for record in records if record.kind == "nonzero"}
    for kernel in list_kernels(graph):
        if kernel.name not in checked and kernel.values.size:
            layer = layer_of.get(kernel.name, kernel.name.partition(";")[0])
            record = _check(Nonzero(layer, kernel.values.shape), kernel)
            if layer not in zero_layers or record.found != 0.0:
                records.append(record)
    return tuple(records)


def require_passed(records: Iterable[InvariantRecord], artifact_name: str) -> None:
    """Raise where any record did not pass.

    Raises:
        InvariantError: names the artefact and the first broken layer, and how many more there are.
    """
    broken = [record for record in records if not record.passed]
    if not broken:
        return
    first = broken[0]
    promise = from_record(first)
    more = f"; {len(broken) - 1} more broken: {_listing(broken[1:])}" if len(broken) > 1 else ""
    raise InvariantError(
        f"{artifact_name}: layer {first.layer!r}",
        found=f"{promise.describe_found(first.found)} in tensor {first.tensor!r}{more}"
        if first.tensor
        else f"no kernel of its shape in the file, so that its {first.kind} cannot be proved{more}",
        expected=promise.describe(),
        next_step="a later pass or the exporter broke what an earlier pass ensured; "
        "quantize per tensor for clusters, or leave this layer out of the pass",
    )


def _check(invariant: Invariant, kernel: KernelTensor | None) -> InvariantRecord:
    if kernel is None:
        return invariant.record(None)
    values = kernel.values if kernel.values.ndim > 1 else kernel.values.reshape(-1, 1)
    return invariant.record(invariant.measure(values), kernel.name)


def _listing(records: Sequence[InvariantRecord]) -> str:
    names = [f"{record.layer} ({record.kind})" for record in records[:4]]
    return ", ".join(names) + (", ..." if len(records) > 4 else "")
