"""Read a model file into a graph of operators and tensors: MACs, parameters, sparsity, memory plan."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from edgetool.artifact import require_format
from edgetool.errors import UnsupportedModelError

if TYPE_CHECKING:
    from edgetool.ir.graph import Graph
    from edgetool.ir.input_shapes import InputShape

__all__ = ["read_graph"]


def read_graph(path: Path, input_shapes: Sequence[InputShape] = (), *, known_only: bool = False) -> Graph:
    """Read a `.tflite` or `.onnx` file.

    Args:
        path: the file.
        input_shapes: sizes of open dimensions of an `.onnx` file's inputs.
        known_only: shapes of inputs that the file does not have are left out.

    Raises:
        MissingFileError: nothing is there.
        FileFormatError: damaged, or content and suffix disagree.
        UnsupportedModelError: a format that holds no graph of operators.
        UsageError: shapes that do not fit the inputs.
    """
    found = require_format(path)
    if found == "tflite":
        from edgetool.ir.tflite import read_tflite

        return read_tflite(path)
    if found == "onnx":
        from edgetool.ir.onnx import read_onnx

        return read_onnx(path, input_shapes, known_only=known_only)
    raise UnsupportedModelError(
        str(path),
        found=f"a model of format {found!r}",
        expected="an exported .tflite or .onnx file",
        next_step=f"edgetool export {path.name} -o model.tflite",
    )
