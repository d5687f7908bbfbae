"""A model that came in as a finished graph of operators: it can be quantised, not changed layer by layer or trained."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from edgetool.artifact import Format, TensorSpec
from edgetool.errors import EdgetoolError, UnsupportedModelError

__all__ = ["FloatGraph", "FrozenModel"]


@dataclass(frozen=True, slots=True)
class FloatGraph:
    """The float model in one format.

    Attributes:
        format: `onnx` or `tflite`.
        load: gives the file's bytes; it may convert, and raises `ExportError` where the converter refuses.
        is_possible: False where `load` only raises what is missing for it.
    """

    format: Format
    load: Callable[[], bytes]
    is_possible: bool = True


@dataclass(frozen=True, slots=True)
class FrozenModel:
    """What stands in for a tf_keras model in a `ModelState`.

    Attributes:
        name: The model's name in messages and inside files.
        origin: The source in words, for example "an ONNX file".
        inputs: The inputs in the model's order; exporters and checks read their names and shapes.
        outputs: The outputs in the model's order.
        graphs: The formats that the model can be exported to.
        instead: The advice if a step needs layers, or a format that `graphs` lacks.
    """

    name: str
    origin: str
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    graphs: tuple[FloatGraph, ...]
    instead: str

    def content(self, format: Format) -> bytes:
        """Return the float model as a file of `format`.

        Raises:
            UnsupportedModelError: it cannot be brought into that format; says what to give instead.
            MissingDependencyError: the converter is not installed.
            ExportError: its converter refused it.
        """
        for graph in self.graphs:
            if graph.format == format:
                return graph.load()
        known = ", ".join(graph.format for graph in self.graphs)
        raise UnsupportedModelError(
            self.name,
            found=f"{self.origin}, which cannot become {format}",
            expected=f"one of: {known}",
            next_step=self.instead,
        )

    def refusal(self, format: Format) -> EdgetoolError | None:
        """Return why the model cannot be brought into `format`; None where it can, as far as is known."""
        if any(graph.format == format and graph.is_possible for graph in self.graphs):
            return None
        try:
            self.content(format)
        except EdgetoolError as exc:
            return exc
        return None
