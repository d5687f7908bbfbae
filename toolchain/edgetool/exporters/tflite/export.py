"""Export to TFLite: every quantisation mode, sparse weights, small files.

Choices that hold for every file:

- The batch dimension is 1 in the file, as microcontrollers want it, and `resize_tensor_input` still changes it: models
  are converted with the batch open, which leaves no constant 1 inside. Where that is impossible (recurrent layers,
  shapes computed at run time) the batch is fixed to 1 and the result says so.
- `static` files take and give integers: int8, or int16 for 16x8; `Session.outputs` quantises by the file's own scale.
  Inputs whose columns one scale cannot hold stay float32 (`uneven_inputs`). Files are integer all through
  but for attention and normalisation (`tflite_float`), and these too where the scheme says `integer_only`, for devices
  without a floating-point unit. The other modes take and give float32.
- Every file depends on model, scheme, data and seed alone: the same ones give the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgetool.data.dataset import Split
from edgetool.data.uneven_columns import uneven_columns
from edgetool.errors import ExportError
from edgetool.exporters.base import ExportResult
from edgetool.exporters.tflite.convert import calibration_split, convert, input_names
from edgetool.exporters.tflite.file import pack, unpack
from edgetool.exporters.tflite.kernels import find_kernels, operator_name
from edgetool.exporters.tflite.quantize.mixed import float_operators
from edgetool.exporters.tflite.quantize.quantizer import quantize_file, quantizer_version
from edgetool.exporters.tflite.quantize.weights import has_int8_weights, store_int8, store_loops
from edgetool.exporters.tflite.rewrite.clusters import keep_clusters
from edgetool.exporters.tflite.rewrite.tidy import drop_unused, order_signature, rename_tensors, skip_flattening
from edgetool.exporters.tflite.sparse import SparseReport, sparsify
from edgetool.exporters.uneven_inputs import float_front_tflite, uneven_note
from edgetool.exporters.unrolling import has_recurrent_layers, looped_layers
from edgetool.passes.base import Context, Facts, ModelState, layer_kernels
from edgetool.passes.frozen import FrozenModel
from edgetool.store import atomic

if TYPE_CHECKING:
    import tf_keras
    from ai_edge_litert.schema_py_generated import ModelT, SubGraphT

__all__ = ["export_tflite"]

_FLOAT32 = 0
#: The metadata entry with labels and normalisation (TensorFlow Lite's metadata_schema.fbs).
_DESCRIPTION = b"TFLITE_METADATA"
_DTYPE_NAMES = {0: "float32", 1: "float16", 2: "int32", 3: "uint8", 4: "int64", 6: "bool", 7: "int16", 9: "int8"}


@dataclass(frozen=True, slots=True)
class _Converted:
    """A file before it is made small, layer name -> name of its kernel's tensor, and what there is to say."""

    model: Any
    kernels: dict[str, str]
    facts: Facts
    notes: tuple[str, ...]


def export_tflite(state: ModelState, path: Path, context: Context) -> ExportResult:
    """Write `state` to `path` as TFLite.

    Args:
        state: a model and how to quantise it; not modified.
        path: the final name; it never holds half a file.
        context: its training split calibrates `static` (validation where there is none), chosen by its seed.

    Returns:
        facts, notes (what stayed float, dense or fixed, and why), and the kernels' tensor names. Kernels may be stored
        sparse, and a sparse int8 dense layer as a CONV_2D kernel `[O, 1, W, C]`.

    Raises:
        ExportError: the converter refused the model; names operator and layer.
        UnsupportedModelError: a model that came in as another format.
        DiskFullError, OutputFileError: the file cannot be written.
    """
    samples = calibration_split(state.quantization, context, str(state.model.name))
    found = _from_file(state, samples) if isinstance(state.model, FrozenModel) else _from_keras(state, samples)
    model = found.model
    sparse = SparseReport(0, 0, ())
    if len(model.subgraphs) == 1:
        skip_flattening(model)
        sparse = sparsify(model)
    drop_unused(model)
    graph = model.subgraphs[0]
    facts: Facts = {
        **found.facts,
        "num_operators": len(graph.operators),
        "input_dtype": _dtypes(model, graph.inputs),
        "output_dtype": _dtypes(model, graph.outputs),
        "num_calibration_samples": 0 if samples is None else samples.num_samples,
        "num_sparse_tensors": sparse.num_tensors,
        "sparse_saved_bytes": sparse.saved_bytes,
    }
    content = pack(model)
    atomic.write_bytes(path, content)
    return ExportResult(
        facts=facts,
        notes=(
            *found.notes,
            *_steps_note(model, state, len(content)),
            *_left_float(model, state),
            *sparse.notes,
            *_sparse_note(sparse),
            *_state_note(graph),
        ),
        kernels=found.kernels,
    )


def _from_keras(state: ModelState, samples: Split | None) -> _Converted:
    """Convert a tf_keras model and name its tensors after layers."""
    import tensorflow as tf

    model, batch = _convert(state, samples)
    indices = _arrange(model, state.model)
    keras_kernels = layer_kernels(state.model)
    num_regridded, lost = keep_clusters(model, indices, keras_kernels, state.invariants)
    notes = list(lost)
    kernels = {layer: model.subgraphs[0].tensors[index].name.decode() for layer, index in indices.items()}
    scheme = state.quantization
    if scheme.mode == "dynamic":
        store_loops(model, per_channel=scheme.per_channel)
    notes += _uneven_notes(model, state, samples)
    missing = [layer for layer in keras_kernels if layer not in kernels]
    if batch == 1:
        notes.append("the batch is fixed to 1: the model computes with its batch size, or has recurrent layers")
    if missing:
        notes.append(f"no tensor of the file was recognised as the kernel of {', '.join(missing)}")
    facts: Facts = {
        "converter": f"tensorflow {tf.__version__}",
        "batch_resizable": batch is None,
        "num_regridded_kernels": num_regridded,
    }
    return _Converted(model, kernels, facts, tuple(notes))


def _uneven_notes(model: ModelT, state: ModelState, samples: Split | None) -> list[str]:
    """Say which columns of an input are too small for its scale, and whether the file computes them in float32."""
    if samples is None or state.quantization.mode != "static":
        return []
    uneven = uneven_columns(samples, 16 if state.quantization.activations == "int16" else 8)
    graph = model.subgraphs[0]
    quantized = {int(op.inputs[0]) for op in graph.operators if operator_name(model, op) == "QUANTIZE"}
    inputs = [int(graph.inputs[index]) for index in uneven]
    is_solved = all(graph.tensors[index].type == _FLOAT32 and index not in quantized for index in inputs)
    return [uneven_note(uneven, input_names(state.model), is_solved=is_solved)] if uneven else []


def _from_file(state: ModelState, samples: Split | None) -> _Converted:
    """Quantise the float file that a model came in as."""
    content = state.model.content("tflite")
    model = quantize_file(content, state.quantization, samples, state.model.name)
    if state.quantization.mode == "dynamic":
        store_int8(model, per_channel=state.quantization.per_channel)
    _name_ends(model.subgraphs[0], state.model)
    described = any(entry.name == _DESCRIPTION for entry in model.metadata or [])
    notes = ("labels and other metadata packed with the source are not carried over",) if described else ()
    return _Converted(model, {}, {"converter": quantizer_version()}, notes)


def _name_ends(graph: SubGraphT, source: FrozenModel) -> None:
    """Call inputs and outputs as the source does: converters of other frameworks number them."""
    taken = {tensor.name for tensor in graph.tensors}
    for indices, specs in ((graph.inputs, source.inputs), (graph.outputs, source.outputs)):
        if len(indices) != len(specs):
            continue
        for index, spec in zip(indices, specs, strict=True):
            name = spec.name.encode()
            if name not in taken:
                graph.tensors[int(index)].name = name
                taken.add(name)


def _convert(state: ModelState, samples: Split | None) -> tuple[ModelT, int | None]:
    """Convert with the batch open, or fixed to 1 where it must be; with float operators only where it must be."""
    first: ExportError | None = None
    # The first state of a recurrent layer has the shape of its batch, whatever else the model is.
    batches = (1,) if has_recurrent_layers(state.model) else (None, 1)
    for mixed in (False, True) if state.quantization.activations == "int16" else (False,):
        for batch in batches:
            try:
                model = unpack(convert(state, samples, batch=batch, mixed=mixed))
            except ExportError as exc:
                first = first or exc
                continue
            if batch is None and _needs_fixed_batch(model):
                continue
            return model, batch
    assert first is not None, "without an error a model was returned: a fixed batch is always taken"
    raise first


def _needs_fixed_batch(model: ModelT) -> bool:
    """Tell whether a model converted with its batch open computes with it, or was spoilt by it.

    TensorFlow 2.21 folds a constant broadcast to an open batch into one of no elements, for example `[0, 4]`.
    """
    graph = model.subgraphs[0]
    if any(operator_name(model, operator) == "SHAPE" for operator in graph.operators):
        return True
    return any(tensor.shape is not None and len(tensor.shape) > 1 and 0 in tensor.shape for tensor in graph.tensors)


def _arrange(model: ModelT, keras_model: tf_keras.Model) -> dict[str, int]:
    """Order inputs and outputs, name tensors; return layer name -> tensor index of its kernel."""
    order_signature(model, input_names(keras_model), [str(name) for name in keras_model.output_names])
    wrappers = {str(getattr(layer, "layer", layer).name): str(layer.name) for layer in keras_model.layers}
    kernels = find_kernels(model, layer_kernels(keras_model), wrappers)
    rename_tensors(model, str(keras_model.name), kernels)
    return kernels


def _dtypes(model: ModelT, indices: Iterable[int]) -> str:
    types = [model.subgraphs[0].tensors[int(index)].type for index in indices]
    return ", ".join(dict.fromkeys(_DTYPE_NAMES.get(kind, f"type {kind}") for kind in types))


def _left_float(model: ModelT, state: ModelState) -> list[str]:
    """Return sentences about operators of an integer file that stayed in float."""
    if state.quantization.mode != "static":
        return []
    graph = model.subgraphs[0]
    chosen = float_operators(model) if state.quantization.has_float_attention else set()
    scaled = float_front_tflite(model, [int(i) for i in graph.inputs if graph.tensors[int(i)].type == _FLOAT32])
    left, kept = [], 0
    for position, operator in enumerate(graph.operators):
        name, tensor = operator_name(model, operator), graph.tensors[int(operator.outputs[0])]
        if tensor.type != _FLOAT32 or position in scaled or name == "DEQUANTIZE" or has_int8_weights(model, operator):
            continue
        if position in chosen:
            kept += 1
        else:
            left.append(f"{name} ({tensor.name.decode()})")
    notes = []
    if kept:
        notes.append(
            f"attention and normalisation, {kept} operators, are computed in float32 between int8 products, which is "
            "faster and more exact; for a device without a floating-point unit: integer_only = true in quantize_static"
        )
    if left:
        notes.append(f"operators left in float32, for want of an integer kernel or a range: {', '.join(left)}")
    return notes


def _state_note(graph: SubGraphT) -> list[str]:
    """Say how a graph is run that keeps something between two inferences."""
    kept = sum(bool(tensor.isVariable) for tensor in graph.tensors)
    if not kept:
        return []
    return [
        f"{kept} tensors keep their values between inferences (a recurrent operator's state): call the interpreter's "
        "reset_all_variables, in C++ ResetVariableTensors, before each sequence"
    ]


def _steps_note(model: ModelT, state: ModelState, num_bytes: int) -> list[str]:
    """Say what fills a file whose recurrent layers are written out, where that is not their weights."""
    if state.quantization.mode != "static" or isinstance(state.model, FrozenModel):
        return []
    loops = looped_layers(state.model, fused_lstm=state.quantization.activations == "int8")
    stored = sum(len(buffer.data) for buffer in model.buffers if buffer.data is not None)
    if not loops or 2 * stored > num_bytes:
        return []
    steps = ", ".join(f"{loop.name} in {loop.num_steps} steps" for loop in loops)
    return [
        f"written out, because TFLite has no integer loop: {steps}. Of the file's {num_bytes:,} bytes {stored:,} are "
        f"constants, the others describe {len(model.subgraphs[0].operators)} operators; w8_dynamic keeps the loop"
    ]


def _sparse_note(sparse: SparseReport) -> list[str]:
    if not sparse.num_tensors:
        return []
    return [
        f"{sparse.num_tensors} kernels stored sparse, {sparse.saved_bytes:,} bytes saved; DENSIFY expands them in RAM "
        "when the model starts. LiteRT has it; TensorFlow Lite Micro and Vela do not"
    ]
