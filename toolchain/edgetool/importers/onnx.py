"""An `.onnx` file as it is: onnxruntime's quantisers take it, nothing else does."""

from __future__ import annotations

import dataclasses
import shlex
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from edgetool.data.dataset import Array
from edgetool.errors import ExportError, FileFormatError, UnsupportedModelError
from edgetool.importers.base import ImportedModel, ImportOptions
from edgetool.importers.files import import_file, run_content
from edgetool.importers.onnx_branches import take_branches
from edgetool.importers.onnx_fold import fold_constants
from edgetool.importers.onnx_opset import raise_old_opset
from edgetool.importers.onnx_widen import widen
from edgetool.ir.onnx import read_model, read_onnx
from edgetool.ir.onnx_inputs import dims_of, fix_input_shapes, graph_inputs

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, NodeProto

__all__ = ["load_onnx"]

#: Protocol buffers end here; models with external data are read into one buffer.
MAX_BYTES = 2**31 - 1
Run = Callable[[tuple[Array, ...]], tuple[Array, ...]]

DOMAINS = ("", "ai.onnx", "com.microsoft")


def load_onnx(path: Path, options: ImportOptions) -> ImportedModel:
    """Load an ONNX model; see `Importer`.

    Open dimensions take the sizes of `options`, functions are inlined, other float types become float32, and the branch
    of an `If` whose condition is known is taken.

    Raises:
        FileFormatError: damaged.
        UnsupportedModelError: quantised already, open dimensions other than the batch, a graph within the graph that
            stays, inputs that are no tensors of numbers, operators of other domains, or larger than 2 GiB.
        UsageError: shapes that do not fit the inputs.
    """
    import onnx
    import onnx.inliner

    read_onnx(path, options.input_shapes)
    model = onnx.load_from_string(_whole(path))
    _require_tensors(path, model)
    fix_input_shapes(model, options.input_shapes, str(path))
    if model.functions:
        model = onnx.inliner.inline_local_functions(model)
    facts = {}
    model, old = raise_old_opset(model, str(path))
    if old is not None:
        facts["operator_set"] = f"{old} in the source; raised by onnx's version converter"
    types = widen(model)
    if types:
        facts["precision"] = f"{', '.join(types)} in the source; widened to float32"
    model = _without_branches(model, str(path))
    _require_plain(path, model)
    content = model.SerializeToString()
    imported = import_file(path, read_model(path, model), "onnx", "onnxruntime", lambda: content)
    # onnxruntime has no CPU kernels for bfloat16, and none for old operator sets.
    if old is not None or "bfloat16" in types or any(shape.value is not None for shape in options.input_shapes):
        imported = dataclasses.replace(imported, run=lambda inputs: run_content(content, inputs))
    elif types:
        imported = dataclasses.replace(imported, run=partial(_run_either, imported.run, content))
    return dataclasses.replace(imported, facts={**imported.facts, **facts})


def _run_either(run_file: Run, content: bytes, inputs: tuple[Array, ...]) -> tuple[Array, ...]:
    """Run the file as it is, or in float32 where onnxruntime lacks a kernel for its type (Conv in float64)."""
    try:
        return run_file(inputs)
    except UnsupportedModelError:
        return run_content(content, inputs)


def _whole(path: Path) -> bytes:
    """Return the model with weights from files beside it inside."""
    import onnx

    size = path.stat().st_size
    try:
        model = onnx.load(path)
        external = sum(int(tensor.ByteSize()) for tensor in model.graph.initializer)
        size = max(size, external)
        if size <= MAX_BYTES:
            content: bytes = model.SerializeToString()
            return content
    except (OSError, ValueError, onnx.checker.ValidationError) as exc:
        raise FileFormatError(
            str(path),
            found=f"weights that cannot be read ({' '.join(str(exc).split())[:200]})",
            expected="the model, and the files of its weights beside it",
            next_step="copy these files too, or save the model as one file",
        ) from None
    raise UnsupportedModelError(
        str(path),
        found=f"a model of {size:,} bytes",
        expected=f"at most {MAX_BYTES:,}: the quantisers hold the model in one protocol buffer",
        next_step="compress the model in its framework",
    )


def _require_tensors(path: Path, model: ModelProto) -> None:
    """Refuse inputs and outputs that hold no numbers: sequences, maps, optional values, strings."""
    import onnx

    for value in (*graph_inputs(model.graph), *model.graph.output):
        kind = value.type.WhichOneof("value")
        is_text = kind == "tensor_type" and value.type.tensor_type.elem_type == onnx.TensorProto.STRING
        if kind != "tensor_type" or is_text:
            raise UnsupportedModelError(
                f"{path}: {value.name}",
                found="strings" if is_text else f"a {str(kind or 'value of no type').removesuffix('_type')}",
                expected="tensors of numbers as inputs and outputs",
                next_step="cut the model there (onnx.utils.extract_model), and give the part that has the weights",
            )


def _inner_graphs(node: NodeProto) -> bool:
    """Tell whether a node holds graphs: If, Loop, Scan."""
    import onnx

    return any(item.type in (onnx.AttributeProto.GRAPH, onnx.AttributeProto.GRAPHS) for item in node.attribute)


def _without_branches(model: ModelProto, name: str) -> ModelProto:
    """Return the model without the If nodes whose branch is known, as far as constants and shapes tell."""
    take_branches(model)
    num = _num_inner(model)
    while num:
        try:
            model = fold_constants(model, name)
        except ExportError:  # the node that stays is named by `_require_plain`
            break
        take_branches(model)
        before, num = num, _num_inner(model)
        if num == before:
            break
    return model


def _num_inner(model: ModelProto) -> int:
    return sum(_inner_graphs(node) for node in model.graph.node)


def _require_plain(path: Path, model: ModelProto) -> None:
    """Refuse what the passes over ONNX graphs do not look into: inner graphs, foreign operators."""
    for node in model.graph.node:
        name = node.name or (node.output[0] if node.output else node.op_type)
        if _inner_graphs(node):
            raise UnsupportedModelError(
                f"{path}: {name}",
                found=f"{node.op_type}, which holds a graph of its own and depends on what the model is given",
                expected="one graph; an If is taken where its condition follows from shapes and constants",
                next_step=_instead(node, model.graph),
            )
        if node.domain not in DOMAINS:
            raise UnsupportedModelError(
                f"{path}: {name}",
                found=f"operator {node.domain}::{node.op_type}",
                expected="operators of ONNX, which onnxruntime has kernels for",
                next_step="replace it by standard operators",
            )


def _instead(node: NodeProto, graph: GraphProto) -> str:
    """Return what to do about an operator with a graph of its own."""
    if node.op_type != "If":
        return "export the model again with the loop unrolled, or as an LSTM or GRU operator"
    scalars = [str(value.name) for value in graph_inputs(graph) if not dims_of(value)]
    if scalars:
        options = " ".join(f"--input-shape {shlex.quote(name)}:=16000" for name in scalars)
        return f"make the input that it depends on a constant, for example {options}"
    return "export the model again with fixed shapes, or without that branch"
