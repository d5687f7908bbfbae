"""The contract of an exporter."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from edgetool.passes.base import Context, Facts, ModelState

__all__ = ["ExportResult", "Exporter"]


@dataclass(frozen=True, slots=True)
class ExportResult:
    """What exporting gave besides the file.

    Attributes:
        facts: for the report.
        notes: sentences for the report, for example an operator whose sparse form the format cannot store.
        kernels: Keras layer name -> name of the tensor that holds its kernel in the file, so that invariants are
            checked on the right tensor.
    """

    facts: Facts
    notes: tuple[str, ...]
    kernels: dict[str, str]


class Exporter(Protocol):
    """Writes one format."""

    def __call__(self, state: ModelState, path: Path, context: Context) -> ExportResult:
        """Write `state` to `path`.

        Raises:
            ExportError: the converter refused the model; names the layer or operator.
        """
