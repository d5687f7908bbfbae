"""Operators that move elements and change none: each a copy, or several into one result."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

import numpy as np

from edgetool.embed.ops.checks import constant_of, quantization_of, require, require_one_scale, suffix_of
from edgetool.embed.ops.shapes import broadcast_strides, copy_fields, row_strides
from edgetool.embed.program import Step
from edgetool.ir.graph import Graph, Op, Tensor

__all__ = ["lower_copies"]

#: Types that copies have kernels for.
KINDS = ("float32", "int8", "int16", "int32")


def lower_copies(op: Op, graph: Graph) -> list[Step]:
    """Return the calls.

    Raises:
        UnsupportedModelError: other types, positions that are computed, more axes than loops.
    """
    return LOWERINGS[op.kind](op, graph)


def _copy(
    op: Op,
    source: Tensor,
    result: Tensor,
    sizes: Sequence[int],
    *,
    start: int = 0,
    strides: Sequence[int] | None = None,
    to: int = 0,
    to_strides: Sequence[int] | None = None,
) -> Step:
    suffix = suffix_of(op, KINDS, source, result)
    given = row_strides(source.shape) if strides is None else strides
    made = row_strides(result.shape) if to_strides is None else to_strides
    fields = copy_fields(op, sizes, (start, given), (to, made))
    return Step(op.name, f"copy_{suffix}", (source.name,), result.name, fields)


def _whole(op: Op, graph: Graph) -> list[Step]:
    """READ_VARIABLE and ASSIGN_VARIABLE, where `resolve_variables` has named the variable's tensor."""
    source, result = graph.tensors[op.inputs[0]], graph.tensors[op.outputs[0]]
    return [_copy(op, source, result, result.shape)]


def _transpose(op: Op, graph: Graph) -> list[Step]:
    source, result = graph.tensors[op.inputs[0]], graph.tensors[op.outputs[0]]
    order = [int(axis) for axis in constant_of(op, graph, 1, "int32").reshape(-1)]
    strides = row_strides(source.shape)
    return [_copy(op, source, result, result.shape, strides=[strides[axis] for axis in order])]


def _slice(op: Op, graph: Graph) -> list[Step]:
    source, result = graph.tensors[op.inputs[0]], graph.tensors[op.outputs[0]]
    begin = constant_of(op, graph, 1, "int32").reshape(-1)
    start = int(np.dot(begin, row_strides(source.shape)))
    return [_copy(op, source, result, result.shape, start=start, strides=row_strides(source.shape))]


def _strided_slice(op: Op, graph: Graph) -> list[Step]:
    """Axes that masks add or drop have one element: what is left runs through the source in order."""
    source, result = graph.tensors[op.inputs[0]], graph.tensors[op.outputs[0]]
    begin, end, step = (constant_of(op, graph, index, "int32").reshape(-1) for index in (1, 2, 3))
    masks = {name: int(op.attributes.get(f"{name}_mask", 0)) for name in ("begin", "end", "shrink_axis")}
    others = [name for name in ("ellipsis_mask", "new_axis_mask") if int(op.attributes.get(name, 0))]
    require(not others, op, what=", ".join(others), expected="a slice for every axis", next_step="name all axes")
    start, sizes, strides = 0, [], []
    for axis, (size, stride) in enumerate(zip(source.shape, row_strides(source.shape), strict=True)):
        if axis >= len(begin):
            sizes.append(size)
            strides.append(stride)
            continue
        first = None if masks["begin"] >> axis & 1 else int(begin[axis])
        last = None if masks["end"] >> axis & 1 else int(end[axis])
        if masks["shrink_axis"] >> axis & 1:
            taken = range(size)[int(begin[axis]) : None][:1]
        else:
            taken = range(size)[first : last : int(step[axis])]
        start += (taken[0] if taken else 0) * stride
        sizes.append(len(taken))
        strides.append(stride * taken.step)
    require(
        int(np.prod(sizes)) == result.num_elements,
        op,
        what=f"{sizes} into {list(result.shape)}",
        expected="a slice of the output's size",
        next_step="export the model again",
    )
    return [_copy(op, source, result, sizes, start=start, strides=strides, to_strides=row_strides(sizes))]


def _concatenation(op: Op, graph: Graph) -> list[Step]:
    result = graph.tensors[op.outputs[0]]
    activation = str(op.attributes.get("fused_activation_function", "NONE"))
    require(activation == "NONE", op, what=f"fused activation {activation}", expected="NONE")
    axis = int(op.attributes["axis"]) % len(result.shape)
    strides, at, steps = row_strides(result.shape), 0, []
    for name in op.inputs:
        source = graph.tensors[name]
        require_one_scale(op, source, result)
        steps.append(_copy(op, source, result, source.shape, to=at * strides[axis], to_strides=strides))
        at += source.shape[axis]
    require(at == result.shape[axis], op, what=f"{at} along axis {axis}", expected=str(result.shape[axis]))
    return steps


def _pack(op: Op, graph: Graph) -> list[Step]:
    result = graph.tensors[op.outputs[0]]
    axis = int(op.attributes.get("axis", 0)) % len(result.shape)
    strides = row_strides(result.shape)
    rest = [stride for other, stride in enumerate(strides) if other != axis]
    return [
        _copy(op, graph.tensors[name], result, graph.tensors[name].shape, to=index * strides[axis], to_strides=rest)
        for index, name in enumerate(op.inputs)
    ]


def _unpack(op: Op, graph: Graph) -> list[Step]:
    source = graph.tensors[op.inputs[0]]
    axis = int(op.attributes.get("axis", 0)) % len(source.shape)
    strides = row_strides(source.shape)
    rest = [stride for other, stride in enumerate(strides) if other != axis]
    made = [(index, graph.tensors[name]) for index, name in enumerate(op.outputs)]
    return [_copy(op, source, made_, made_.shape, start=i * strides[axis], strides=rest) for i, made_ in made]


def _split(op: Op, graph: Graph) -> list[Step]:
    where, data = (0, 1) if op.kind == "SPLIT" else (2, 0)
    source = graph.tensors[op.inputs[data]]
    axis = int(constant_of(op, graph, where, "int32").reshape(-1)[0]) % len(source.shape)
    strides, at, steps = row_strides(source.shape), 0, []
    for name in op.outputs:
        part = graph.tensors[name]
        steps.append(_copy(op, source, part, part.shape, start=at * strides[axis], strides=strides))
        at += part.shape[axis]
    require(at == source.shape[axis], op, what=f"{at} along axis {axis}", expected=str(source.shape[axis]))
    return steps


def _pad(op: Op, graph: Graph) -> list[Step]:
    source, result = graph.tensors[op.inputs[0]], graph.tensors[op.outputs[0]]
    kind = graph.tensors[op.inputs[1]].dtype
    before = constant_of(op, graph, 1, kind).reshape(-1, 2)[:, 0]
    suffix = suffix_of(op, KINDS, source, result)
    value: int | float = 0 if suffix != "f32" else 0.0
    if op.kind == "PADV2" and len(op.inputs) > 2:
        found = constant_of(op, graph, 2, source.dtype).reshape(-1)[0]
        value = float(found) if suffix == "f32" else int(found)
    elif result.quantization is not None:
        value = quantization_of(op, result).zero_point[0]
    start = int(np.dot(before, row_strides(result.shape)))
    filled = Step(op.name, f"fill_{suffix}", (), result.name, {"value": value, "num_elements": result.num_elements})
    return [filled, _copy(op, source, result, source.shape, to=start, to_strides=row_strides(result.shape))]


def _blocks(op: Op, graph: Graph) -> list[Step]:
    """DEPTH_TO_SPACE and SPACE_TO_DEPTH: the channels of a block of pixels lie behind one another, row by row."""
    source, result = graph.tensors[op.inputs[0]], graph.tensors[op.outputs[0]]
    require_one_scale(op, source, result)
    block = int(op.attributes["block_size"])
    wide, deep = (result, source) if op.kind == "DEPTH_TO_SPACE" else (source, result)
    _, height, width, channels = wide.shape
    sizes = [height // block, block, width // block, block * channels]
    row, pixel = width * channels, block * channels
    in_wide = [block * row, row, pixel, 1]
    in_deep = [deep.shape[2] * deep.shape[3], pixel, deep.shape[3], 1]
    strides = (in_deep, in_wide) if op.kind == "DEPTH_TO_SPACE" else (in_wide, in_deep)
    return [_copy(op, source, result, sizes, strides=strides[0], to_strides=strides[1])]


def _mirror_pad(op: Op, graph: Graph) -> list[Step]:
    """MIRROR_PAD: one copy for each combination of the parts that axes have in front, inside and behind."""
    source, result = graph.tensors[op.inputs[0]], graph.tensors[op.outputs[0]]
    require_one_scale(op, source, result)
    pads = constant_of(op, graph, 1, graph.tensors[op.inputs[1]].dtype).reshape(-1, 2)
    skip = 1 - int(op.attributes.get("mode", 0))  # REFLECT is 0 and leaves the edge out, SYMMETRIC is 1
    parts = []
    for size, (before, after) in zip(source.shape, pads.tolist(), strict=True):
        axis = [(before - 1 + skip, -1, 0, before), (0, 1, before, size), (size - 1 - skip, -1, before + size, after)]
        parts.append([part for part in axis if part[3] > 0])
    given, made = row_strides(source.shape), row_strides(result.shape)
    steps = []
    for combination in itertools.product(*parts):
        start = sum(part[0] * stride for part, stride in zip(combination, given, strict=True))
        to = sum(part[2] * stride for part, stride in zip(combination, made, strict=True))
        strides = [part[1] * stride for part, stride in zip(combination, given, strict=True)]
        sizes = [part[3] for part in combination]
        steps.append(_copy(op, source, result, sizes, start=start, strides=strides, to=to, to_strides=made))
    return steps


def _repeat(op: Op, graph: Graph) -> list[Step]:
    """BROADCAST_TO and TILE: axes of one element are repeated in one copy, others in one for each time."""
    source, result = graph.tensors[op.inputs[0]], graph.tensors[op.outputs[0]]
    require_one_scale(op, source, result)
    shape = [1] * (len(result.shape) - len(source.shape)) + list(source.shape)
    require(
        all(size and made % size == 0 for size, made in zip(shape, result.shape, strict=True)),
        op,
        what=f"{list(source.shape)} to {list(result.shape)}",
        expected="whole repetitions",
        next_step="export the model again",
    )
    strides, made = broadcast_strides(shape, result.shape), row_strides(result.shape)
    sizes = [out if size == 1 else size for size, out in zip(shape, result.shape, strict=True)]
    times = [range(out // size) for size, out in zip(sizes, result.shape, strict=True)]
    steps = []
    for combination in itertools.product(*times):
        to = sum(time * size * stride for time, size, stride in zip(combination, sizes, made, strict=True))
        steps.append(_copy(op, source, result, sizes, strides=strides, to=to, to_strides=made))
    return steps


LOWERINGS: dict[str, Callable[[Op, Graph], list[Step]]] = {
    "ASSIGN_VARIABLE": _whole,
    "BROADCAST_TO": _repeat,
    "CONCATENATION": _concatenation,
    "DEPTH_TO_SPACE": _blocks,
    "MIRROR_PAD": _mirror_pad,
    "PACK": _pack,
    "PAD": _pad,
    "PADV2": _pad,
    "READ_VARIABLE": _whole,
    "SLICE": _slice,
    "SPACE_TO_DEPTH": _blocks,
    "SPLIT": _split,
    "SPLIT_V": _split,
    "STRIDED_SLICE": _strided_slice,
    "TILE": _repeat,
    "TRANSPOSE": _transpose,
    "UNPACK": _unpack,
}
