"""Export to ONNX: float32, float16 weights, dynamic int8, static int8 or int16."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from edgetool.data.dataset import Split
from edgetool.data.uneven_columns import uneven_columns
from edgetool.exporters.base import ExportResult
from edgetool.exporters.onnx.convert import check_model, convert
from edgetool.exporters.onnx.frozen import prepare
from edgetool.exporters.onnx.notes import dynamic_notes, float_kernels, widened_kernels
from edgetool.exporters.onnx.quantize.calibrate import measure_ranges, usable_ranges
from edgetool.exporters.onnx.quantize.choice import nearest_to
from edgetool.exporters.onnx.quantize.rounding import MAX_INPUTS, Rounding, round_weights
from edgetool.exporters.onnx.quantize.static import kernel_scales, quantizable_nodes, quantize
from edgetool.exporters.onnx.quantize.weights import quantize_dynamic, store_half, store_int8
from edgetool.exporters.onnx.rewrite.tidy import share_transposes, weight_nodes
from edgetool.exporters.onnx.sparse import sparsify
from edgetool.exporters.onnx.steps import scope_of, shorten_steps, without_steps
from edgetool.exporters.tflite.convert import calibration_split, input_names
from edgetool.exporters.uneven_inputs import float_front_onnx, uneven_note
from edgetool.exporters.unrolling import looped_layers
from edgetool.invariants import NumClusters
from edgetool.passes.base import Context, Facts, ModelState, QuantizationScheme
from edgetool.passes.frozen import FrozenModel
from edgetool.store import atomic

if TYPE_CHECKING:
    import tf_keras
    from onnx import ModelProto

__all__ = ["export_onnx"]


def export_onnx(state: ModelState, path: Path, context: Context) -> ExportResult:
    """Write `state` to `path` as ONNX.

    Args:
        state: a model and how to quantise it; not modified.
        path: the final name; it never holds half a file.
        context: the training split calibrates `static`; the seed chooses samples.

    Raises:
        ExportError: tf2onnx, onnx.checker or onnxruntime refused the model.
        UnsupportedModelError: a model that came in as another format.
        DiskFullError, OutputFileError: the file cannot be written.
    """
    scheme = state.quantization
    samples = calibration_split(scheme, context, str(state.model.name))
    model, converter = _float_model(state.model)
    facts: Facts = {"converter": converter}
    kernels = _kernels(model)
    clustered_layers = [item.layer for item in state.invariants if isinstance(item, NumClusters)]
    clustered = frozenset(kernels[layer] for layer in clustered_layers if layer in kernels)
    notes: list[str] = []
    if scheme.mode == "float16":
        model = store_half(model)
    elif scheme.mode == "dynamic":
        model = quantize_dynamic(model, one_scale=clustered, per_channel=scheme.per_channel)
        notes += dynamic_notes(model.graph)
    elif samples is not None:
        model = _quantize(model, state, samples, clustered, facts, notes)
    if scheme.mode == "static":
        notes += [*widened_kernels(model.graph), *float_kernels(model.graph)]
    notes += [*_limits(scheme, bool(clustered)), *_store_sparsely(model, kernels, facts)]
    share_transposes(model.graph)
    shorten_steps(model.graph, _recurrent_layers(state.model))
    facts["opset"] = max(int(entry.version) for entry in model.opset_import if entry.domain == "")
    atomic.write_bytes(path, check_model(model, str(state.model.name)))
    return ExportResult(facts=facts, notes=tuple(notes), kernels=kernels)


def _float_model(source: tf_keras.Model | FrozenModel) -> tuple[ModelProto, str]:
    """Return the float `ModelProto` of a tf_keras or frozen model, and what made it."""
    if isinstance(source, FrozenModel):
        import onnx

        return prepare(source.content("onnx"), source.name), f"onnx {onnx.__version__}"
    import tf2onnx

    return convert(source), f"tf2onnx {tf2onnx.__version__}"


def _quantize(
    model: ModelProto, state: ModelState, samples: Split, clustered: frozenset[str], facts: Facts, notes: list[str]
) -> ModelProto:
    """Return the model with integer activations: ranges and rounding from `samples`."""
    import onnxruntime

    scheme = state.quantization
    bits = 16 if scheme.activations == "int16" else 8
    names = _input_names(state.model)
    loops = _recurrent_layers(state.model)
    choices = [
        without_steps(model.graph, usable_ranges(ranges), loops) for ranges in measure_ranges(model, samples, names)
    ]
    uneven = uneven_columns(samples, bits)
    if uneven:
        front = float_front_onnx(model.graph, [names[index] for index in uneven])
        choices = [{name: limits for name, limits in ranges.items() if name not in front} for ranges in choices]
        notes.append(uneven_note(uneven, names, is_solved=bool(front)))
    nodes = quantizable_nodes(model.graph, choices[0])
    scales = kernel_scales(model.graph, nodes, bits=bits, per_channel=scheme.per_channel, one_scale=clustered)
    source = type(model)()
    source.CopyFrom(model)
    rounding = round_weights(model, scales, samples, names, exact_pairs=bits == 8, nearest=clustered)
    facts["num_calibration_samples"] = samples.num_samples
    facts["num_kernels_rounded_by_outputs"] = len(rounding.by_outputs)
    facts["num_biases_compensated"] = len(rounding.by_outputs) + len(rounding.compensated)
    notes += _rounding_notes(rounding, clustered)
    facts |= {"quantizer": f"onnxruntime {onnxruntime.__version__}", "activations": f"uint{bits} asymmetric"}
    stepped = {name for _, name in weight_nodes(model.graph) if scope_of(name, loops) is not None}
    candidates = [
        quantize(model, ranges, scales, bits=bits, per_channel=scheme.per_channel, one_scale=clustered)
        for ranges in choices
    ]
    best = nearest_to(source, candidates, samples, names)
    store_int8(best.graph, per_channel=scheme.per_channel, one_scale=clustered, named=stepped)
    return best


def _recurrent_layers(model: tf_keras.Model | FrozenModel) -> list[str]:
    """Return the names of layers that may be written out step by step; a file's are what they are."""
    if isinstance(model, FrozenModel):
        return []
    return [loop.name for loop in looped_layers(model, fused_lstm=False)]


def _input_names(model: tf_keras.Model | FrozenModel) -> list[str]:
    """Return the names of the graph's inputs, in the model's order: files may have a colon in them."""
    if isinstance(model, FrozenModel):
        return [spec.name for spec in model.inputs]
    return input_names(model)


def _rounding_notes(rounding: Rounding, clustered: frozenset[str]) -> list[str]:
    """Say which kernels were not rounded as well as could be, and why."""
    notes = []
    large = [name for name in rounding.compensated if name not in clustered]
    if large:
        notes.append(
            f"{', '.join(large)}: rounded to the nearest step with a compensated bias; "
            f"rounding by outputs is for layers of up to {MAX_INPUTS} inputs"
        )
    if rounding.plain:
        notes.append(f"{', '.join(rounding.plain)}: rounded to the nearest step without compensation of the bias")
    return notes


def _limits(scheme: QuantizationScheme, is_clustered: bool) -> tuple[str, ...]:
    """Return what the format or onnxruntime cannot do for this scheme."""
    notes = []
    if scheme.activations == "int16":
        notes.append("onnxruntime has no 16-bit integer kernels on CPU: it computes in float between 16-bit roundings")
    if is_clustered:
        notes.append("clustered kernels take one byte or more a weight: ONNX has no codebooks; gzip or zstd gains most")
    return tuple(notes)


def _store_sparsely(model: ModelProto, kernels: dict[str, str], facts: Facts) -> tuple[str, ...]:
    """Store kernels without their zeros where that is smaller; returns what the report is to say."""
    saved = sparsify(model.graph, list(kernels.values()))
    if not saved:
        return ()
    facts |= {"num_sparse_kernels": len(saved), "sparse_saved_bytes": sum(saved.values())}
    return (
        f"{len(saved)} of {len(kernels)} kernels are stored without their zeros; onnxruntime rebuilds them while "
        "loading, so they take as much memory as dense ones when the model runs",
    )


def _kernels(model: ModelProto) -> dict[str, str]:
    """Return layer name -> initialiser: by the names that `convert` gave; in graphs of other origin, by the node's."""
    found: dict[str, str] = {}
    for node, name in weight_nodes(model.graph):
        layer, _, role = name.rpartition("/")
        found[layer if role == "kernel" else str(node.name)] = name
    return found
