"""What `.onnx` and `.tflite` files have in common as sources: checks on the graph, and running them in a child."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from edgetool.artifact import Format, TensorSpec
from edgetool.data.dataset import Array
from edgetool.errors import UnsupportedModelError
from edgetool.importers import IMPORTERS
from edgetool.importers.base import ImportedModel, activation_of
from edgetool.ir.graph import Graph
from edgetool.ir.input_shapes import open_shape_hint
from edgetool.ir.layers import layer_records
from edgetool.ir.summary import signature_of
from edgetool.passes.frozen import FloatGraph, FrozenModel
from edgetool.runners import open_runner
from edgetool.runners.agent import by_sample, sample_axes
from edgetool.runners.base import RunPlan
from edgetool.store.atomic import write_bytes

__all__ = ["import_file", "require_static", "run_content"]

#: Operators that only reduced models have: TFLite stores float16 weights behind DEQUANTIZE.
_QUANTIZING = (
    "QUANTIZE",
    "DEQUANTIZE",
    "FAKE_QUANT",
    "QuantizeLinear",
    "DequantizeLinear",
    "Dynamic",
    "QLinear",
    "QGemm",
    "QAttention",
    "ConvInteger",
    "MatMulInteger",
    "MatMulNBits",
)
#: Constants of so many elements are numbers of an operator, not weights.
MAX_SMALL_CONSTANT = 16
#: Of running a source model on one split.
TIMEOUT_S = 1800.0


def import_file(path: Path, graph: Graph, kind: Format, runtime: str, load: Callable[[], bytes]) -> ImportedModel:
    """Check a finished graph and describe it as what an importer gives.

    Args:
        path: the file, which runs in a child of its own.
        graph: The graph that was read from the file.
        kind: `onnx` or `tflite`: the one format that it can be exported to.
        runtime: what runs it.
        load: gives the whole model as one file's bytes.

    Raises:
        UnsupportedModelError: quantised already, not float32, or open dimensions other than the batch.
    """
    _require_float(str(path), graph)
    signature = signature_of(graph)
    inputs = _data_specs(signature.inputs, graph)
    require_static(str(path), inputs, {spec.name: spec.shape for spec in signature.inputs})
    source = IMPORTERS[kind]
    model = FrozenModel(
        name=path.stem,
        origin=source.title,
        inputs=inputs,
        outputs=signature.outputs,
        graphs=(FloatGraph(kind, load),),
        instead=source.instead,
    )
    return ImportedModel(
        model=model,
        source_format=kind,
        num_params=sum(layer.num_params for layer in layer_records(graph)),
        inputs=inputs,
        outputs=signature.outputs,
        last_activation=activation_of(graph),
        runtime=runtime,
        run=lambda inputs: _run(path, inputs),
    )


def _data_specs(inputs: tuple[TensorSpec, ...], graph: Graph) -> tuple[TensorSpec, ...]:
    """Return the inputs as data have them, samples first: a state `[2, N, 128]` becomes `[N, 2, 128]`."""
    if not graph.dims:
        return inputs
    axes = sample_axes([graph.dims[spec.name] for spec in inputs])
    return tuple(
        dataclasses.replace(spec, shape=by_sample(spec.shape, axis)) for spec, axis in zip(inputs, axes, strict=True)
    )


def require_static(
    subject: str, inputs: tuple[TensorSpec, ...], stated: Mapping[str, tuple[int, ...]] | None = None
) -> None:
    """Refuse inputs with open dimensions other than the batch, and models without inputs.

    Args:
        subject: what errors are about.
        inputs: Arrays as data hold them, samples first.
        stated: input name -> shape as the file has it, where --input-shape can fix it.

    Raises:
        UnsupportedModelError: names the input.
    """
    if not inputs:
        raise UnsupportedModelError(
            subject, found="a model without inputs", expected="at least one", next_step="export the model again"
        )
    for spec in inputs:
        if not spec.shape:
            raise UnsupportedModelError(
                f"{subject}: input {spec.name}",
                found="a scalar",
                expected="[N, ...], a value for each sample",
                next_step="export the model again with that value fixed",
            )
    opened = [spec for spec in inputs if any(size < 0 for size in spec.shape[1:])]
    if opened:
        hint = "export the model again with a fixed input shape"
        if stated is not None:
            hint = f"give sizes, for example {open_shape_hint([(s.name, stated[s.name]) for s in opened])}"
        raise UnsupportedModelError(
            f"{subject}: input {', '.join(spec.name for spec in opened)}",
            found=f"open dimensions in shape {' and '.join(_in_words(spec) for spec in opened)}",
            expected="[N, ...] where only the batch may be open: devices have fixed memory",
            next_step=hint,
        )


def _in_words(spec: TensorSpec) -> str:
    return (
        f"[{', '.join('N' if axis == 0 else str(size) if size > 0 else '?' for axis, size in enumerate(spec.shape))}]"
    )


def _require_float(subject: str, graph: Graph) -> None:
    quantized = [
        tensor
        for tensor in graph.tensors.values()
        if tensor.quantization is not None and tensor.quantization.scale and tensor.dtype.startswith(("int", "uint"))
    ]
    kinds = sorted({op.kind for op in graph.ops if op.kind.startswith(_QUANTIZING)})
    if quantized or kinds:
        found = f"operators {', '.join(kinds[:4])}" if kinds else f"{quantized[0].name!r} in {quantized[0].dtype}"
        raise UnsupportedModelError(
            subject,
            found=f"a model that is quantised already ({found})",
            expected="float32 weights and activations",
            next_step="give the float model that it was made from; bench, verify and inspect take it as it is, and so "
            "does embed --runtime array or linux",
        )
    for tensor in graph.tensors.values():
        matters = tensor.constant is None or tensor.num_elements > MAX_SMALL_CONSTANT
        if matters and tensor.dtype in ("float16", "bfloat16", "float64"):
            raise UnsupportedModelError(
                f"{subject}: tensor {tensor.name!r}",
                found=f"dtype {tensor.dtype}",
                expected="float32",
                next_step="export the model again in float32; recipes make smaller types of it",
            )


def run_content(content: bytes, inputs: tuple[Array, ...]) -> tuple[Array, ...]:
    """Run a model that differs from its file: an input was made a constant, or a size was fixed."""
    with tempfile.TemporaryDirectory(prefix="edgetool-") as folder:
        path = Path(folder) / "model"
        write_bytes(path, content)
        return _run(path, inputs)


def _run(path: Path, inputs: tuple[Array, ...]) -> tuple[Array, ...]:
    session = open_runner().open(path, RunPlan(num_threads=1, timeout_s=TIMEOUT_S))
    try:
        return session.outputs(inputs)
    finally:
        session.close()
