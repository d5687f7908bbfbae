"""What `inspect` and the run manifest say of a model file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edgetool.artifact import (
    Artifact,
    Provenance,
    Signature,
    TensorSpec,
    digest_path,
    num_bytes,
    require_format,
)
from edgetool.data.dataset import Array
from edgetool.errors import UnsupportedModelError
from edgetool.ir import read_graph
from edgetool.ir.graph import Graph, Op, Tensor
from edgetool.ir.macs import op_macs
from edgetool.ir.memory_plan import MemoryPlan, plan_memory
from edgetool.passes.properties import num_unique, sparsity
from edgetool.schema import to_builtins
from edgetool.store.manifest import LayerRecord, SizeRecord
from edgetool.store.sizes import measure_sizes

__all__ = ["Description", "Summary", "describe", "read_signature", "signature_of", "summarize"]

#: Inputs that hold numbers about quantisation or shapes, not parameters of the model.
_NO_PARAMETERS = {
    "QuantizeLinear": (1, 2), "DequantizeLinear": (1, 2), "QLinearConv": (1, 2, 4, 5, 6, 7),
    "QLinearMatMul": (1, 2, 4, 5, 6, 7), "Resize": (1, 2, 3), "Clip": (1, 2), "Pad": (1, 2, 3),
}  # fmt: skip


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
        macs: of one sample; -1 where a layer's cannot be told (named in `notes`).
        memory: None for formats without an execution order.
    """

    path: str
    format: str
    digest: str
    size: SizeRecord
    signature: Signature
    num_params: int
    weight_bytes: int
    macs: int
    layers: tuple[LayerRecord, ...]
    memory: MemoryPlan | None
    notes: tuple[str, ...]


def summarize(path: str) -> dict[str, Any]:
    """Return a `Summary` of any model file as plain values; runs in a child, because files may be hostile.

    Raises:
        EdgetoolError: missing, damaged, or of a format that cannot be read without a framework.
    """
    file = Path(path)
    kind = require_format(file)
    if kind in ("keras", "h5"):
        summary = _summarize_keras(file, kind)
    elif kind == "saved_model":
        raise UnsupportedModelError(
            path,
            found="a SavedModel folder",
            expected="a .tflite, .onnx, .keras or .h5 file",
            next_step=f"edgetool export {path} -o model.tflite, then inspect that",
        )
    else:
        summary = _summarize_graph(file)
    plain: dict[str, Any] = to_builtins(summary)
    return plain


def describe(path: Path, provenance: Provenance) -> Description:
    """Return what the manifest needs of an exported `.tflite` or `.onnx` file.

    Raises:
        FileFormatError: damaged.
    """
    graph = read_graph(path)
    layers = _layers(graph)
    return Description(
        artifact=Artifact(
            path=path.name,
            format="tflite" if graph.format == "tflite" else "onnx",
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


def signature_of(graph: Graph) -> Signature:
    """Return the inputs and outputs of a graph."""
    return Signature(
        tuple(_spec(graph.tensors[name]) for name in graph.inputs if name in graph.tensors),
        tuple(_spec(graph.tensors[name]) for name in graph.outputs if name in graph.tensors),
    )


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


def _summarize_graph(path: Path) -> Summary:
    graph = read_graph(path)
    layers = _layers(graph)
    return Summary(
        path=str(path),
        format=graph.format,
        digest=digest_path(path),
        size=measure_sizes(path),
        signature=signature_of(graph),
        num_params=sum(layer.num_params for layer in layers),
        weight_bytes=sum(layer.num_bytes for layer in layers),
        macs=sum(layer.macs for layer in layers),
        layers=layers,
        memory=plan_memory(graph),
        notes=graph.notes,
    )


def _layers(graph: Graph) -> tuple[LayerRecord, ...]:
    """Return a record for each operator; a constant that several operators read is counted with the first."""
    producers = graph.producers()
    seen: set[str] = set()
    records: list[LayerRecord] = []
    for op in graph.ops:
        constants = [t for t in _parameters(graph, producers, op) if t.name not in seen]
        if op.kind in ("DequantizeLinear", "DEQUANTIZE", "DENSIFY") and _only_constants(graph, op):
            continue  # counted with the operator that reads the weights
        seen.update(tensor.name for tensor in constants)
        values = [np.ravel(tensor.constant) for tensor in constants if tensor.constant is not None]
        kernel = max(values, key=lambda item: item.size, default=np.zeros(0))
        main = max(constants, key=lambda tensor: tensor.num_elements, default=None)
        records.append(
            LayerRecord(
                name=op.name,
                op=op.kind,
                num_params=sum(array.size for array in values),
                num_bytes=sum(tensor.stored_bytes for tensor in constants),
                macs=op_macs(graph, op),
                sparsity=sparsity(_centred(main, kernel)) if main is not None else 0.0,
                num_unique=num_unique(kernel) if kernel.size else 0,
                dtype=main.dtype if main is not None else _activation_dtype(graph, op),
            )
        )
    return tuple(records)


def _parameters(graph: Graph, producers: dict[str, Op], op: Op) -> list[Tensor]:
    """Return the constants that are parameters of `op`, directly or behind a dequantisation."""
    found: list[Tensor] = []
    skipped = _NO_PARAMETERS.get(op.kind, ())
    for position, name in enumerate(op.inputs):
        if position in skipped or not name:
            continue
        tensor = graph.tensors.get(name)
        source = producers.get(name)
        for _ in range(4):
            if tensor is not None and tensor.constant is not None:
                break
            if source is None or not source.inputs or not _only_constants(graph, source, producers):
                break
            tensor, source = graph.tensors.get(source.inputs[0]), producers.get(source.inputs[0])
        if tensor is not None and tensor.constant is not None and _is_parameter(tensor):
            found.append(tensor)
    return found


def _is_parameter(tensor: Tensor) -> bool:
    return tensor.dtype.startswith(("float", "bfloat")) or tensor.quantization is not None


def _only_constants(graph: Graph, op: Op, producers: dict[str, Op] | None = None) -> bool:
    return all(
        graph.constant(name) is not None
        or (producers is not None and name in producers and _only_constants(graph, producers[name]))
        for name in op.inputs
        if name
    )


def _centred(tensor: Tensor, kernel: Array) -> Array:
    """Return the values relative to the zero point, where there is one for the whole tensor."""
    if tensor.quantization is None or len(set(tensor.quantization.zero_point)) != 1 or kernel.dtype.kind not in "iu":
        return kernel
    return np.asarray(kernel.astype(np.int64) - tensor.quantization.zero_point[0])


def _activation_dtype(graph: Graph, op: Op) -> str:
    tensor = graph.tensors.get(op.outputs[0]) if op.outputs else None
    return "" if tensor is None else tensor.dtype


def _summarize_keras(path: Path, kind: str) -> Summary:
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
            sparsity=sparsity(kernel),
            num_unique=num_unique(kernel) if kernel.size else 0,
            dtype=kernel.dtype.name if kernel.size else "",
        )

    layers = tuple(record(layer) for layer in model.layers)
    unknown = [layer.name for layer in model.layers if layer.macs is None]
    inputs = tuple(TensorSpec(f"input_{i}", (-1, *shape), "float32") for i, shape in enumerate(model.input_shapes))
    last = model.layers[-1].output_shape if model.layers else None
    outputs = () if last is None else (TensorSpec(model.layers[-1].name, (-1, *last), "float32"),)
    notes = [f"Keras {model.keras_version}; no execution order in the file, so no memory plan"]
    if unknown:
        notes.append(f"MACs unknown for {', '.join(unknown[:8])}: the file does not tell their shapes")
    return Summary(
        path=str(path),
        format=kind,
        digest=digest_path(path),
        size=measure_sizes(path),
        signature=Signature(inputs, outputs),
        num_params=sum(layer.num_params for layer in layers),
        weight_bytes=sum(layer.num_bytes for layer in layers),
        macs=-1 if unknown else sum(layer.macs for layer in layers),
        layers=layers,
        memory=None,
        notes=tuple(notes),
    )
