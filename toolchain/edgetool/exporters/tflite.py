"""Export to TFLite: every quantisation mode, sparse weights, small files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from edgetool.exporters.base import ExportResult
from edgetool.exporters.tflite_convert import calibration_split, convert, input_names
from edgetool.exporters.tflite_file import pack, unpack
from edgetool.exporters.tflite_kernels import find_kernels
from edgetool.exporters.tflite_sparse import sparsify
from edgetool.exporters.tflite_tidy import drop_unused, order_signature, rename_tensors, skip_flattening
from edgetool.passes.base import Context, Facts, ModelState, layer_kernels
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
    model = unpack(convert(state, samples, batch=None))
    kernels = _tidy(model, state.model)
    sparse = sparsify(model)
    drop_unused(model)
    content = pack(model)
    atomic.write_bytes(path, content)
    facts: Facts = {"converter": f"tensorflow {tf.__version__}"}
    return ExportResult(facts=facts, notes=sparse.notes, kernels=kernels)


def _tidy(model: Any, keras_model: Any) -> dict[str, str]:
    """Order, rename and shrink; return layer name -> tensor name of its kernel."""
    order_signature(model, input_names(keras_model), [str(name) for name in keras_model.output_names])
    wrappers = {str(getattr(layer, "layer", layer).name): str(layer.name) for layer in keras_model.layers}
    kernels = find_kernels(model, layer_kernels(keras_model), wrappers)
    rename_tensors(model, str(keras_model.name), kernels)
    names = {layer: model.subgraphs[0].tensors[index].name.decode() for layer, index in kernels.items()}
    skip_flattening(model)
    return names
