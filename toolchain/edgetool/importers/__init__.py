"""Importers: a model of any framework becomes what passes and exporters take. The table of formats."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from edgetool.artifact import Format, require_format
from edgetool.errors import UnsupportedModelError

if TYPE_CHECKING:
    from edgetool.importers.base import ImportedModel, Importer, ImportOptions

__all__ = ["IMPORTERS", "Source", "import_model", "source_kind"]


@dataclass(frozen=True, slots=True)
class Source:
    """A way for models to come in.

    Attributes:
        loader: `module:function` of its importer.
        title: what it is, in words.
        has_layers: passes can change and train it. None: known once it is loaded.
        exports: formats that it can be exported to, if its framework's converters are installed.
        instead: what to give for passes that need layers and for other formats.
    """

    loader: str
    title: str
    has_layers: bool | None
    exports: tuple[Format, ...]
    instead: str = ""


_KERAS = "edgetool.importers.keras:load_keras"

IMPORTERS: dict[Format, Source] = {
    "keras": Source(_KERAS, "a Keras model", True, ("tflite", "onnx")),
    "h5": Source(_KERAS, "a Keras model", True, ("tflite", "onnx")),
    "saved_model": Source(_KERAS, "a Keras SavedModel", True, ("tflite", "onnx")),
    "onnx": Source(
        "edgetool.importers.onnx:load_onnx",
        "an ONNX file",
        False,
        ("onnx",),
        "give the model that it was exported from: a Keras model (.keras, .h5) for training passes and TFLite, "
        "a PyTorch program (.pt2) for TFLite",
    ),
    "tflite": Source(
        "edgetool.importers.tflite:load_tflite",
        "a TFLite file",
        False,
        ("tflite",),
        "give the model that it was converted from, for example the Keras model (.keras, .h5)",
    ),
    "pt2": Source(
        "edgetool.importers.torch:load_pt2",
        "a PyTorch program",
        False,
        ("onnx", "tflite"),
        "train it in PyTorch, or give a Keras model (.keras, .h5) with the same layers",
    ),
    "function": Source("edgetool.importers.function:load_built", "what a function returns", None, ("tflite", "onnx")),
}


def source_kind(spec: str) -> Format:
    """Return the format of a file or folder as its content says it, or `function` for `module:function`.

    Raises:
        MissingFileError, FileFormatError: nothing is there, or nothing that is known.
        UnsupportedModelError: a format that models do not come in by.
    """
    from edgetool.data.load import is_function

    path = Path(spec)
    if not path.exists() and is_function(spec):
        return "function"
    kind = require_format(path)
    if kind not in IMPORTERS:
        raise UnsupportedModelError(
            spec, found=f"a file of format {kind!r}", expected="a model", next_step="give a model file"
        )
    return kind


def import_model(spec: str, options: ImportOptions) -> ImportedModel:
    """Load a model of any format; see `Importer`.

    Args:
        spec: path of a file or SavedModel folder, or `module:function`.
        options: trust, input shapes.
    """
    import importlib

    module, _, attribute = IMPORTERS[source_kind(spec)].loader.partition(":")
    loader: Importer = getattr(importlib.import_module(module), attribute)
    return loader(Path(spec), options)
