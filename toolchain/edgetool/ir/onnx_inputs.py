"""Fix the shapes of an ONNX model's inputs, and tell which of their dimensions are open."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from edgetool.errors import UsageError
from edgetool.ir.input_shapes import InputShape, shapes_by_name
from edgetool.ir.onnx_shapes import infer_shapes

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, TensorShapeProto, ValueInfoProto

__all__ = ["dims_of", "fix_input_shapes", "graph_inputs"]


def graph_inputs(graph: GraphProto) -> list[ValueInfoProto]:
    """Return the inputs of a graph that are no initialisers: files before IR version 4 list those too."""
    constants = {tensor.name for tensor in graph.initializer}
    return [value for value in graph.input if value.name not in constants]


def dims_of(value: ValueInfoProto) -> tuple[int | str | None, ...]:
    """Return the dimensions that an input or output states: a size, the name of an open one, or None."""
    return tuple(_dim(dim) for dim in value.type.tensor_type.shape.dim)


def _dim(dim: TensorShapeProto.Dimension) -> int | str | None:
    if dim.HasField("dim_value") and dim.dim_value > 0:
        return int(dim.dim_value)
    name = str(dim.dim_param)
    return name if any(letter.isalpha() for letter in name) else None  # "?" names no dimension


def fix_input_shapes(
    model: ModelProto, shapes: Sequence[InputShape], subject: str, *, known_only: bool = False
) -> None:
    """Write the sizes that a user gave into `model` (modified), wherever a dimension of the same name stands.

    Args:
        model: `ModelProto`.
        shapes: as `parse_input_shapes` gives them.
        subject: what errors are about.
        known_only: shapes of inputs that the model does not have are left out.

    Raises:
        UsageError: an unknown input, another rank, a size that the file fixes otherwise, or two sizes for one name.
    """
    inputs = {str(value.name): value for value in graph_inputs(model.graph)}
    if known_only:
        shapes = [shape for shape in shapes if not shape.name or shape.name in inputs]
    bound: dict[str, int] = {}
    for name, sizes in shapes_by_name(shapes, list(inputs), subject).items():
        _bind(inputs[name], sizes, bound, subject)
    if not shapes:
        return
    for shape in shapes:
        if shape.value is not None:
            _make_constant(model.graph, inputs[shape.name], shape.value)
    for value in (*model.graph.input, *model.graph.output, *model.graph.value_info):
        for dim in value.type.tensor_type.shape.dim:
            if dim.dim_param in bound and not dim.HasField("dim_value"):
                dim.dim_value = bound[dim.dim_param]
    del model.graph.value_info[:]
    _infer_outputs(model)


def _bind(value: ValueInfoProto, sizes: tuple[int, ...], bound: dict[str, int], subject: str) -> None:
    """Set the dimensions of one input, and remember what their names stand for."""
    dims = value.type.tensor_type.shape.dim
    stated = dims_of(value)
    fits = len(stated) == len(sizes) and all(
        not isinstance(old, int) or old == new for old, new in zip(stated, sizes, strict=True)
    )
    if not fits:
        raise UsageError(
            f"--input-shape {value.name}={'x'.join(map(str, sizes))}",
            found="sizes that the file does not allow",
            expected=f"[{', '.join(str(size or '?') for size in stated)}], as {subject} states it",
            next_step="give a size to each dimension, and those that are fixed as they are",
        )
    for dim, old, new in zip(dims, stated, sizes, strict=True):
        if isinstance(old, str) and bound.setdefault(old, new) != new:
            raise UsageError(
                f"--input-shape {value.name}={'x'.join(map(str, sizes))}",
                found=f"{new} for the dimension {old!r}, which is {bound[old]} in another place",
                expected="one size for all dimensions of one name",
                next_step="correct one of the two",
            )
        dim.dim_value = new


def _make_constant(graph: GraphProto, value: ValueInfoProto, number: float) -> None:
    """Turn an input into a constant of one value."""
    import onnx

    sizes = [size if isinstance(size, int) else 1 for size in dims_of(value)]
    dtype = onnx.helper.tensor_dtype_to_np_dtype(value.type.tensor_type.elem_type)
    graph.initializer.append(onnx.numpy_helper.from_array(np.full(sizes, number).astype(dtype), value.name))
    graph.input.remove(value)


def _infer_outputs(model: ModelProto) -> None:
    """Give the outputs the sizes that follow from those of the inputs."""
    try:
        inferred = infer_shapes(model)
    except Exception:  # noqa: BLE001 - a C++ extension with errors of its own; the outputs then stay open
        return
    for value, known in zip(model.graph.output, inferred.graph.output, strict=True):
        if len(value.type.tensor_type.shape.dim) == len(known.type.tensor_type.shape.dim):
            for dim, size in zip(value.type.tensor_type.shape.dim, known.type.tensor_type.shape.dim, strict=True):
                if size.dim_value > 0:
                    dim.dim_value = size.dim_value
