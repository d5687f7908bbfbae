"""Edit an ONNX graph in place: look up, rename, replace and drop what nothing uses."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import numpy as np

from edgetool.data.dataset import Array
from edgetool.errors import ExportError

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, NodeProto

__all__ = [
    "bypass",
    "constant",
    "consumers",
    "convert_opset",
    "copy_read_outputs",
    "drop_unused",
    "opset_of",
    "producers",
    "remove_copies",
    "rename_values",
    "replace_node",
    "set_constant",
    "strip_details",
]


def constant(graph: GraphProto, name: str) -> Array | None:
    """Return the values of the initialiser `name`, or None where there is none."""
    from onnx import numpy_helper

    for tensor in graph.initializer:
        if tensor.name == name:
            return np.asarray(numpy_helper.to_array(tensor))
    return None


def set_constant(graph: GraphProto, name: str, values: Array) -> str:
    """Add the initialiser `name`, or overwrite it; returns the name."""
    from onnx import numpy_helper

    made = numpy_helper.from_array(np.asarray(values, order="C"), name)
    for tensor in graph.initializer:
        if tensor.name == name:
            tensor.CopyFrom(made)
            return name
    graph.initializer.append(made)
    return name


def opset_of(model: ModelProto) -> int:
    """Return the version of the standard operator set that a model states."""
    return max((int(entry.version) for entry in model.opset_import if entry.domain in ("", "ai.onnx")), default=1)


def convert_opset(model: ModelProto, version: int, name: str) -> ModelProto:
    """Return a copy of `model` in another version of the standard operator set.

    Raises:
        ExportError: an operator that onnx cannot convert.
    """
    import onnx
    import onnx.version_converter

    try:
        return onnx.version_converter.convert_version(model, version)
    except (RuntimeError, ValueError, onnx.version_converter.ConvertError) as exc:
        raise ExportError(
            name,
            found=f"operator set {opset_of(model)}, which onnx cannot turn into {version} "
            f"({' '.join(str(exc).split())[:200]})",
            expected=f"operator set {version}, or one that converts",
            next_step=f"export the model again with operator set {version} or later, or take another recipe",
        ) from exc


def producers(graph: GraphProto) -> dict[str, NodeProto]:
    """Return tensor name -> the node that makes it."""
    return {output: node for node in graph.node for output in node.output if output}


def consumers(graph: GraphProto) -> dict[str, list[NodeProto]]:
    """Return tensor name -> the nodes that read it, each once, in graph order."""
    found: dict[str, list[NodeProto]] = {}
    for node in graph.node:
        for name in dict.fromkeys(node.input):
            if name:
                found.setdefault(name, []).append(node)
    return found


def bypass(graph: GraphProto, node: NodeProto) -> None:
    """Remove a node of one output and let its readers read its first input instead.

    Where the output is an output of the graph, the name is kept: whatever made the input makes the output now.
    """
    source, output = node.input[0], node.output[0]
    graph.node.remove(node)
    if output in {value.name for value in graph.output}:
        source, output = output, source
    for other in graph.node:
        for names in (other.input, other.output):
            for index, name in enumerate(names):
                if name == output:
                    names[index] = source


def replace_node(graph: GraphProto, node: NodeProto, made: Iterable[NodeProto]) -> None:
    """Put copies of the nodes `made` where `node` was; `node` itself may be one of them."""
    index = next(i for i, other in enumerate(graph.node) if other.output[:1] == node.output[:1])
    copies = [type(node).FromString(other.SerializeToString()) for other in made]
    del graph.node[index]
    for offset, copy in enumerate(copies):
        graph.node.insert(index + offset, copy)


def rename_values(graph: GraphProto, rename: Callable[[str], str]) -> None:
    """Rename tensors everywhere; inputs and outputs of the graph keep their names."""
    kept = {value.name for value in (*graph.input, *graph.output)}

    def new(name: str) -> str:
        return name if not name or name in kept else rename(name)

    for node in graph.node:
        node.input[:] = [new(name) for name in node.input]
        node.output[:] = [new(name) for name in node.output]
    for tensor in graph.initializer:
        tensor.name = new(tensor.name)
    del graph.value_info[:]


def copy_read_outputs(graph: GraphProto) -> dict[str, str]:
    """Give every output of the graph that nodes read an `Identity`, so that inside it is a tensor like any other.

    A step that fuses or removes nodes would otherwise change what the output gives: onnxruntime's quantiser takes the
    range of a `Relu` for the convolution in front of it, even where that is an output too.

    Returns:
        output -> name of the tensor inside. `remove_copies` undoes it.
    """
    from onnx import helper

    read = consumers(graph)
    copies: dict[str, str] = {}
    for value in graph.output:
        name = str(value.name)
        source = producers(graph).get(name)
        if name not in read or source is None:
            continue
        copies[name] = f"{name}/inside"
        for node in (source, *read[name]):
            node.input[:] = [copies[name] if other == name else other for other in node.input]
        source.output[:] = [copies[name] if other == name else other for other in source.output]
        replace_node(graph, source, [source, helper.make_node("Identity", [copies[name]], [name], name=name)])
    return copies


def remove_copies(graph: GraphProto, copies: dict[str, str]) -> None:
    """Take out the nodes of `copy_read_outputs`; outputs keep their names."""
    for node in [node for node in graph.node if node.op_type == "Identity" and node.output[0] in copies]:
        bypass(graph, node)


def drop_unused(graph: GraphProto) -> None:
    """Remove nodes whose outputs nothing reads, then initialisers that nothing reads."""
    outputs = {value.name for value in graph.output}
    while True:
        read = {name for node in graph.node for name in node.input} | outputs
        unread = [node for node in graph.node if not read.intersection(node.output)]
        if not unread:
            break
        for node in unread:
            graph.node.remove(node)
    kept = [tensor for tensor in graph.initializer if tensor.name in read]
    del graph.initializer[:]
    graph.initializer.extend(kept)


def strip_details(model: ModelProto) -> None:
    """Remove doc strings, shapes of inner tensors and metadata: runtimes infer what they need."""
    model.doc_string = ""
    model.graph.doc_string = ""
    del model.graph.value_info[:]
    del model.metadata_props[:]
    for node in model.graph.node:
        node.doc_string = ""
        del node.metadata_props[:]
    for tensor in model.graph.initializer:
        tensor.doc_string = ""
