"""Operator sets before 7: onnxruntime lacks kernels for some of their operators (BatchNormalization, seen in 1.32)."""

from __future__ import annotations

from typing import Any

from edgetool.errors import UnsupportedModelError

__all__ = ["raise_old_opset"]

#: Models of this operator set and later are left as they are.
FIRST_OPSET = 7
#: What older models become here; exporters raise them further.
RAISED_OPSET = 13


def raise_old_opset(model: Any, name: str) -> tuple[Any, int | None]:
    """Return a model that onnxruntime has kernels for, and the operator set that it came in where it was raised.

    Args:
        model: `ModelProto`; not modified.
        name: The model's name in messages.

    Raises:
        UnsupportedModelError: onnx's version converter does not know how.
    """
    import onnx
    import onnx.version_converter

    opset = next((int(entry.version) for entry in model.opset_import if entry.domain in ("", "ai.onnx")), FIRST_OPSET)
    if opset >= FIRST_OPSET:
        return model, None
    try:
        return onnx.version_converter.convert_version(model, RAISED_OPSET), opset
    except (RuntimeError, ValueError, onnx.version_converter.ConvertError) as exc:
        raise UnsupportedModelError(
            name,
            found=f"operator set {opset}, which onnx cannot raise ({' '.join(str(exc).split())[:200]})",
            expected=f"operator set {FIRST_OPSET} or later, which onnxruntime has kernels for",
            next_step="export the model again with a later operator set",
        ) from None
