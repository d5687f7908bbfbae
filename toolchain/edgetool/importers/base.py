"""What every importer gives: one contract, whatever framework the model came from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from edgetool.artifact import Format, TensorSpec
from edgetool.data.dataset import Array
from edgetool.ir.graph import Graph
from edgetool.ir.input_shapes import InputShape

__all__ = ["ImportOptions", "ImportedModel", "Importer", "activation_of"]


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """What an importer may need besides the model.

    Attributes:
        trust: load models even if they carry code.
        input_shapes: batch included, of ONNX inputs that leave dimensions open, and for functions that give a PyTorch
            module without an example.
    """

    trust: bool = False
    input_shapes: tuple[InputShape, ...] = ()


@dataclass(frozen=True, slots=True)
class ImportedModel:
    """A model that came in.

    Attributes:
        model: A functional `tf_keras.Model`, or a `FrozenModel` if the source holds a finished graph.
        source_format: The format that the content shows; `function` for the result of a `module:function`.
        num_params: The number of the source's parameters, batch statistics included.
        inputs: Names, shapes and types of the inputs, in the model's order; open dimensions are -1.
        outputs: Names, shapes and types of the outputs, in the same form.
        last_activation: The activation that makes the first output: `softmax`, `sigmoid`, another name, or empty.
        runtime: The runtime of `run`, which reports name.
        run: Computes the source's own outputs, each `[N, ...]`, of inputs `[N, ...]`; artefacts are compared with them.
        digest: The SHA-256 of graph and weights if the source lies in no file; empty otherwise.
        facts: What the report says about the import.
    """

    model: Any
    source_format: Format
    num_params: int
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    last_activation: str
    runtime: str
    run: Callable[[tuple[Array, ...]], tuple[Array, ...]]
    digest: str = ""
    facts: dict[str, str] = field(default_factory=dict)


class Importer(Protocol):
    """Loads one format. Call it in a child: a damaged file may crash a reader."""

    def __call__(self, path: Path, options: ImportOptions) -> ImportedModel:
        """Load the model at `path`, whose content is of the importer's format.

        Raises:
            FileFormatError: damaged.
            UntrustedModelError: it carries code and `options.trust` is not set.
            UnsupportedModelError: a sound model that cannot be compressed.
            MissingDependencyError: its framework is not installed.
        """


#: Operators that leave values as they are, behind an activation.
_PASS_THROUGH = {"Identity", "Reshape", "RESHAPE", "Flatten", "Squeeze", "SQUEEZE", "Unsqueeze", "Cast", "CAST"}
_ACTIVATIONS = {"Softmax": "softmax", "SOFTMAX": "softmax", "Sigmoid": "sigmoid", "LOGISTIC": "sigmoid"}


def activation_of(graph: Graph) -> str:
    """Return `softmax` or `sigmoid` where that operator makes the first output of `graph`; else empty."""
    producers = graph.producers()
    op = producers.get(graph.outputs[0]) if graph.outputs else None
    for _ in graph.ops:
        if op is None or op.kind not in _PASS_THROUGH or not op.inputs:
            break
        op = producers.get(op.inputs[0])
    return _ACTIVATIONS.get(op.kind, "") if op is not None else ""
