"""Exporters: a `ModelState` becomes a file. The table of formats; nothing registers by being imported."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edgetool.exporters.base import Exporter

__all__ = ["EXPORTERS", "load_exporter"]

EXPORTERS: dict[str, str] = {
    "tflite": "edgetool.exporters.tflite.export:export_tflite",
    "onnx": "edgetool.exporters.onnx.export:export_onnx",
}


def load_exporter(name: str) -> Exporter:
    """Return the exporter of the format `name`, which must be a key of `EXPORTERS`."""
    import importlib

    module, _, attribute = EXPORTERS[name].partition(":")
    loaded: Exporter = getattr(importlib.import_module(module), attribute)
    return loaded
