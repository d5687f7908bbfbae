"""Export to TFLite: every quantisation mode, sparse weights, small files."""

from __future__ import annotations

from pathlib import Path

from edgetool.exporters.base import ExportResult
from edgetool.exporters.tflite_convert import calibration_split, convert
from edgetool.passes.base import Context, Facts, ModelState
from edgetool.store import atomic

__all__ = ["export_tflite"]


def export_tflite(state: ModelState, path: Path, context: Context) -> ExportResult:
    """Write `state` to `path` as TFLite.

    Args:
        state: a tf_keras model and how to quantise it; not modified.
        path: the final name; it never holds half a file.
        context: the training split calibrates `static`; the seed chooses samples.

    Raises:
        ExportError: the converter refused the model.
        DiskFullError, OutputFileError: the file cannot be written.
    """
    import tensorflow as tf

    samples = calibration_split(state.quantization, context, str(state.model.name))
    content = convert(state, samples, batch=None)
    atomic.write_bytes(path, content)
    facts: Facts = {"converter": f"tensorflow {tf.__version__}"}
    return ExportResult(facts=facts, notes=(), kernels={})
