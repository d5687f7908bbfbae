"""Let onnxruntime compute what depends on constants alone, and take the branch of an `If` whose condition is one."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from edgetool.errors import ExportError

if TYPE_CHECKING:
    from onnx import ModelProto

__all__ = ["fold_constants"]


def fold_constants(model: ModelProto, name: str) -> ModelProto:
    """Return the model with constants and batch normalisation folded (onnxruntime's basic level: standard operators).

    Args:
        model: `ModelProto`; not modified.
        name: The model's name in messages.

    Raises:
        ExportError: onnxruntime refused it.
    """
    import onnx
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    with tempfile.TemporaryDirectory(prefix="edgetool-") as folder:
        target = Path(folder) / "folded.onnx"
        options.optimized_model_filepath = str(target)
        try:
            onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        except Exception as exc:
            raise ExportError(
                name,
                found=f"onnxruntime refused it: {' '.join(str(exc).split())[:300]}",
                expected="a model that onnxruntime runs",
                next_step="check it with onnx.checker and export it again",
            ) from exc
        folded = onnx.load(target)
    domains = {node.domain for node in folded.graph.node}
    kept = [entry for entry in folded.opset_import if entry.domain in domains | {"", "ai.onnx"}]
    del folded.opset_import[:]
    folded.opset_import.extend(kept)
    return folded
