"""What passes ensure of kernels: one class a kind, each with how it is measured, told, restored and followed."""

from __future__ import annotations

from edgetool.invariants.base import Cut, Invariant, Measured
from edgetool.invariants.n_of_m import NOfM
from edgetool.invariants.nonzero import Nonzero
from edgetool.invariants.num_clusters import NumClusters, num_unique
from edgetool.invariants.sparsity import Sparsity, sparsity
from edgetool.records import InvariantRecord

__all__ = [
    "Cut",
    "Invariant",
    "Measured",
    "NOfM",
    "Nonzero",
    "NumClusters",
    "Sparsity",
    "from_record",
    "num_unique",
    "sparsity",
]


def from_record(record: InvariantRecord) -> Invariant:
    """Return the invariant that a record is about; the shape of the kernel is not known any more."""
    if record.kind == "sparsity":
        return Sparsity(record.layer, record.expected, ())
    if record.kind == "num_clusters":
        return NumClusters(record.layer, round(record.expected), ())
    if record.kind == "n_of_m":
        return NOfM(record.layer, round(record.expected), record.group_size or 1, ())
    return Nonzero(record.layer, ())
