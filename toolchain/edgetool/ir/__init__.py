"""Read a model file into a graph of operators and tensors: MACs, parameters, sparsity, memory plan."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from edgetool.artifact import require_format
from edgetool.errors import UnsupportedModelError

if TYPE_CHECKING:
    from edgetool.ir.graph import Graph

__all__ = ["read_graph"]


def read_graph(path: Path) -> Graph:
    """Read a `.tflite` or `.onnx` file.

    Raises:
        MissingFileError: nothing is there.
        FileFormatError: damaged, or content and suffix disagree.
        UnsupportedModelError: a format that holds no graph of operators.
    """
    found = require_format(path)
    if found == "tflite":
        from edgetool.ir.tflite import read_tflite

        return read_tflite(path)
    if found == "onnx":
        from edgetool.ir.onnx import read_onnx

        return read_onnx(path)
    raise UnsupportedModelError(
        str(path),
        found=f"a model of format {found!r}",
        expected="an exported .tflite or .onnx file",
        next_step=f"edgetool export {path.name} -o model.tflite",
    )
