"""A float `.tflite` file as it is: ai-edge-quantizer takes it, nothing else does."""

from __future__ import annotations

from pathlib import Path

from edgetool.errors import UnsupportedModelError
from edgetool.importers.base import ImportedModel, ImportOptions
from edgetool.importers.files import import_file
from edgetool.ir.tflite import read_tflite

__all__ = ["load_tflite"]


def load_tflite(path: Path, options: ImportOptions) -> ImportedModel:  # noqa: ARG001 - the contract's signature
    """Load a TFLite model; see `Importer`.

    Raises:
        FileFormatError: damaged.
        UnsupportedModelError: quantised already, other than float32, or open dimensions other than the batch.
    """
    graph = read_tflite(path)
    custom = [op for op in graph.ops if op.kind.startswith(("CUSTOM:", "UNKNOWN_"))]
    if custom:
        raise UnsupportedModelError(
            f"{path}: {custom[0].name}",
            found=f"operator {custom[0].kind}",
            expected="operators of the TFLite builtin set",
            next_step="convert the model again without SELECT_TF_OPS and custom operators",
        )
    return import_file(path, graph, "tflite", "litert", path.read_bytes)
