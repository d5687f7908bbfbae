"""What `inspect` and the run manifest say of a model file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edgetool.artifact import (
    Artifact,
    Format,
    Provenance,
    Signature,
    TensorSpec,
    digest_path,
    num_bytes,
    require_format,
)
from edgetool.bounds.memory import limit_memory
from edgetool.errors import FileFormatError, InternalError, UnsupportedModelError
from edgetool.ir import read_graph
from edgetool.ir.graph import Graph, Tensor
from edgetool.ir.input_shapes import InputShape
from edgetool.ir.layers import layer_notes, layer_records
from edgetool.ir.memory_plan import MemoryPlan, plan_memory
from edgetool.ir.weight_format import format_of_values
from edgetool.records import LayerRecord, SizeRecord
from edgetool.schema import parse, to_builtins
from edgetool.store.sizes import measure_sizes

__all__ = [
    "Description",
    "Summary",
    "describe",
    "fixed_shapes",
    "read_signature",
    "reading_seconds",
    "signature_of",
    "summarize",
    "summarize_guarded",
]


@dataclass(frozen=True, slots=True)
class Description:
    """What the run manifest needs of an exported file."""

    artifact: Artifact
    layers: tuple[LayerRecord, ...]
    macs: int
    num_params: int
    arena_bytes: int


@dataclass(frozen=True, slots=True)
class Summary:
    """What `inspect` shows.

    Attributes:
        compressed: gzip and zstd size; None unless asked for.
        weight_bytes: of all parameters, as they are stored.
        num_ops: operators that the memory plan's lifetimes count.
        macs: of one sample; -1 where not one layer with weights tells its own (`notes` names what is left out).
        memory: None for formats without an execution order.
    """

    path: str
    format: str
    digest: str
    num_bytes: int
    compressed: SizeRecord | None
    signature: Signature
    num_params: int
    weight_bytes: int
    macs: int
    num_ops: int
    layers: tuple[LayerRecord, ...]
    memory: MemoryPlan | None
    notes: tuple[str, ...]


def summarize(path: str, compressed: bool = False, input_shapes: Sequence[Mapping[str, object]] = ()) -> dict[str, Any]:
    """Return a `Summary` of any model file as plain values; hostile files belong in `summarize_guarded`.

    Args:
        path: the model file.
        compressed: also measure how small it becomes.
        input_shapes: fields of `InputShape`: sizes of open dimensions of an `.onnx` file's inputs.

    Raises:
        EdgetoolError: missing, damaged, or of a format that cannot be read without a framework.
    """
    file = Path(path)
    kind = require_format(file)
    if kind in ("keras", "h5"):
        summary = _summarize_keras(file, kind, compressed)
    elif kind == "saved_model":
        raise UnsupportedModelError(
            path,
            found="a SavedModel folder, which only TensorFlow can read",
            expected="a .tflite, .onnx, .keras or .h5 file",
            next_step=f"edgetool export {path} -o model.tflite, then inspect that",
        )
    else:
        summary = _summarize_graph(file, compressed, _input_shapes(input_shapes))
    plain: dict[str, Any] = to_builtins(summary)
    return plain


def reading_seconds(path: Path) -> float:
    """Return how long reading a sound file may take: HDF5 can loop for ever in a damaged one."""
    return 20.0 + (path.stat().st_size if path.is_file() else 0) / 1e6


def summarize_guarded(
    path: str, compressed: bool = False, input_shapes: Sequence[Mapping[str, object]] = ()
) -> dict[str, Any]:
    """Do what `summarize` does with the memory of this process limited; for child processes.

    Raises:
        EdgetoolError: as `summarize`, and for a file that asks for far more memory than its size.
    """
    limit = _limit_memory(Path(path))
    try:
        return summarize(path, compressed, input_shapes)
    except MemoryError:
        raise FileFormatError(
            path,
            found=f"a file that takes more than {limit >> 20} MiB to read",
            expected="a model of a size like its file's",
            next_step="export the model again; the file is damaged",
        ) from None


def describe(path: Path, provenance: Provenance) -> Description:
    """Return what the manifest needs of an exported `.tflite` or `.onnx` file.

    Raises:
        FileFormatError: damaged.
    """
    graph = read_graph(path)
    layers = layer_records(graph)
    return Description(
        artifact=Artifact(
            path=path.name,
            format=_graph_format(graph),
            digest=digest_path(path),
            num_bytes=num_bytes(path),
            signature=signature_of(graph),
            provenance=provenance,
        ),
        layers=layers,
        macs=sum(layer.macs for layer in layers),
        num_params=sum(layer.num_params for layer in layers),
        arena_bytes=plan_memory(graph).arena_bytes,
    )


def read_signature(path: Path) -> Signature:
    """Return the inputs and outputs of a `.tflite` or `.onnx` file."""
    return signature_of(read_graph(path))


def fixed_shapes(path: str, input_shapes: Sequence[Mapping[str, object]]) -> dict[str, list[int]]:
    """Return input name -> shape of a file with the sizes that a user gave; inputs that stay open are left out.

    Args:
        path: the file.
        input_shapes: fields of `InputShape`; those of inputs that the file does not have are left out.
    """
    signature = signature_of(read_graph(Path(path), _input_shapes(input_shapes), known_only=True))
    return {spec.name: list(spec.shape) for spec in signature.inputs if min(spec.shape, default=1) > 0}


def signature_of(graph: Graph) -> Signature:
    """Return the inputs and outputs of a graph."""
    return Signature(
        tuple(_spec(graph.tensors[name]) for name in graph.inputs if name in graph.tensors),
        tuple(_spec(graph.tensors[name]) for name in graph.outputs if name in graph.tensors),
    )


def _graph_format(graph: Graph) -> Format:
    return "tflite" if graph.format == "tflite" else "onnx"


def _spec(tensor: Tensor) -> TensorSpec:
    quantization = tensor.quantization
    if quantization is None:
        return TensorSpec(tensor.name, tensor.shape, tensor.dtype)
    return TensorSpec(
        tensor.name,
        tensor.shape,
        tensor.dtype,
        quantization.scale,
        quantization.zero_point,
        quantization.dimension,
    )


def _input_shapes(fields: Sequence[Mapping[str, object]]) -> tuple[InputShape, ...]:
    return tuple(parse(InputShape, item, source="--input-shape", error=InternalError) for item in fields)


def _summarize_graph(path: Path, compressed: bool, input_shapes: Sequence[InputShape]) -> Summary:
    graph = read_graph(path, input_shapes)
    layers = layer_records(graph)
    memory = plan_memory(graph)
    notes = (*graph.notes, *layer_notes(graph))
    if memory.unknown:
        notes += (f"{len(memory.unknown)} activations of unknown size are not in the memory plan",)
    return Summary(
        path=str(path),
        format=graph.format,
        digest=digest_path(path),
        num_bytes=num_bytes(path),
        compressed=measure_sizes(path) if compressed else None,
        signature=signature_of(graph),
        num_params=sum(layer.num_params for layer in layers),
        weight_bytes=sum(layer.num_bytes for layer in layers),
        macs=sum(layer.macs for layer in layers),
        num_ops=len(graph.ops),
        layers=layers,
        memory=memory,
        notes=notes,
    )


def _summarize_keras(path: Path, kind: str, compressed: bool) -> Summary:
    from edgetool.ir.keras import KerasLayer, read_keras

    model = read_keras(path, kind)

    def record(layer: KerasLayer) -> LayerRecord:
        kernel = max(layer.weights, key=lambda array: array.size, default=np.zeros(0))
        return LayerRecord(
            name=layer.name,
            op=layer.kind,
            num_params=sum(array.size for array in layer.weights),
            num_bytes=sum(array.nbytes for array in layer.weights),
            macs=layer.macs or 0,
            dtype=kernel.dtype.name if kernel.size else "",
            weights=format_of_values(kernel) if kernel.size else None,
        )

    layers = tuple(record(layer) for layer in model.layers)
    unknown = [layer.name for layer in model.layers if layer.macs is None]
    notes = [f"Keras {model.keras_version}; the file fixes no order of execution, so there is no memory plan"]
    if unknown:
        more = f" and {len(unknown) - 8} more" if len(unknown) > 8 else ""
        notes.append(f"MACs not known of {', '.join(unknown[:8])}{more}: the file does not tell their shapes")
    return Summary(
        path=str(path),
        format=kind,
        digest=digest_path(path),
        num_bytes=num_bytes(path),
        compressed=measure_sizes(path) if compressed else None,
        signature=Signature(model.inputs, model.outputs),
        num_params=sum(layer.num_params for layer in layers),
        weight_bytes=sum(layer.num_bytes for layer in layers),
        macs=-1 if unknown and not any(layer.macs for layer in layers) else sum(layer.macs for layer in layers),
        num_ops=len(layers),
        layers=layers,
        memory=None,
        notes=(*notes, *model.notes),
    )


def _limit_memory(path: Path) -> int:
    """Limit the memory of this process to what it has, the readers' libraries loaded, and what a sound file takes."""
    import h5py  # noqa: F401 - the libraries are loaded before the limit counts what the process has
    import onnx  # noqa: F401
    from ai_edge_litert import schema_py_generated  # noqa: F401

    return limit_memory(path)
