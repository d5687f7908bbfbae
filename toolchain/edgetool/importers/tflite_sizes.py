"""Sizes that a `.tflite` file leaves open, or computes while it runs, as LiteRT finds them; then written into it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from edgetool.bounds.parsing import parsing
from edgetool.errors import UnsupportedModelError, UsageError
from edgetool.ir.graph import Graph
from edgetool.runners.child import call_function

if TYPE_CHECKING:
    from ai_edge_litert.interpreter import Interpreter

__all__ = ["sizes_of", "with_fixed_sizes"]

TIMEOUT_S = 600.0


def with_fixed_sizes(path: Path, graph: Graph, shapes: Mapping[str, tuple[int, ...]]) -> bytes:
    """Return the file with a size for every dimension of every tensor.

    Args:
        path: a file that `read_tflite` has read.
        graph: what it read.
        shapes: input name -> sizes, the batch included, of inputs that leave some open.

    Raises:
        UsageError: sizes that contradict those of the file.
        UnsupportedModelError: sizes that depend on the values of inputs.
        FileFormatError: LiteRT refused the file with these sizes.
    """
    for name, sizes in shapes.items():
        stated = graph.tensors[name].shape
        fits = len(stated) == len(sizes) and all(old in (-1, new) for old, new in zip(stated, sizes, strict=True))
        if not fits:
            raise UsageError(
                f"--input-shape {name}={'x'.join(map(str, sizes))}",
                found=f"an input of shape {list(stated)}",
                expected="the sizes that are stated, and any for each -1",
                next_step="correct it",
            )
    params = {"path": str(path), "shapes": [list(shapes.get(name, ())) for name in graph.inputs]}
    sizes = call_function("edgetool.importers.tflite_sizes:sizes_of", params, subject=str(path), timeout_s=TIMEOUT_S)
    if sizes is None:
        raise UnsupportedModelError(
            str(path),
            found="sizes that depend on the values of its inputs",
            expected="sizes that follow from those of its inputs",
            next_step="embed the file for an interpreter: --runtime array",
        )
    with parsing(str(path), expected="a .tflite file", next_step="export the model again"):
        return _rewritten(path.read_bytes(), sizes)


def sizes_of(path: str, shapes: Sequence[Sequence[int]]) -> list[list[int]] | None:
    """Return the shape of each tensor of the main graph; None where values choose them. It runs in a child process.

    Args:
        path: the file.
        shapes: The shape of each input, in the file's order; an empty one leaves the input as the file has it.
    """
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    with parsing(path, expected="a file that LiteRT runs with these sizes", next_step="give other sizes"):
        interpreter: Any = Interpreter(
            path, experimental_op_resolver_type=OpResolverType.BUILTIN_REF, experimental_preserve_all_tensors=True
        )
        for detail, sizes in zip(interpreter.get_input_details(), shapes, strict=True):
            if sizes:
                interpreter.resize_tensor_input(detail["index"], list(sizes))
        interpreter.allocate_tensors()
        random = np.random.default_rng(0)
        both_sizes = [_sizes_with(interpreter, random, largest) for largest in (0.0, 1.0)]
    return both_sizes[0] if both_sizes[0] == both_sizes[1] else None


def _sizes_with(interpreter: Interpreter, random: np.random.Generator, largest: float) -> list[list[int]]:
    for detail in interpreter.get_input_details():
        values = random.uniform(-largest, largest, detail["shape"])
        interpreter.set_tensor(detail["index"], values.astype(detail["dtype"]))
    interpreter.invoke()
    return [[int(size) for size in detail["shape"]] for detail in interpreter.get_tensor_details()]


def _rewritten(content: bytes, sizes: Sequence[Sequence[int]]) -> bytes:
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(content, 0))
    for buffer in model.buffers or []:
        if buffer.offset > 1:
            buffer.data = np.frombuffer(content, np.uint8, buffer.size, buffer.offset)
        buffer.offset = buffer.size = 0
    for tensor, tensor_sizes in zip(model.subgraphs[0].tensors, sizes, strict=False):
        is_constant = model.buffers[tensor.buffer].data is not None and len(model.buffers[tensor.buffer].data) > 0
        if not is_constant:
            tensor.shape, tensor.shapeSignature = np.array(tensor_sizes, np.int32), None
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())
