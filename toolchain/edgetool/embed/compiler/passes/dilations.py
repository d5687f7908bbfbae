"""Convolutions between SPACE_TO_BATCH_ND and BATCH_TO_SPACE_ND, as older converters wrote dilated ones."""

from __future__ import annotations

import dataclasses
from collections import Counter
from dataclasses import dataclass

from edgetool.embed.ops import ALIASES
from edgetool.ir.graph import Graph, Op, Tensor
from edgetool.ir.operators import Family, names_of

__all__ = ["fuse_dilations"]

CONVOLUTIONS = names_of(Family.CONVOLUTION, Family.DEPTHWISE, is_tflite=True)

#: Rows and columns: something of each.
Pair = tuple[int, int]


@dataclass(frozen=True, slots=True)
class _Chain:
    """Operators from one end to the other; changes of shape are None where there are none."""

    spread: Op
    front: Op | None
    conv: Op
    back: Op | None
    joined: Op


def fuse_dilations(graph: Graph) -> Graph:
    """Return the graph with such convolutions dilated: every value is the same, and no batch is larger than 1.

    It takes convolutions of stride 1 that alone read what is spread, and are alone read by what joins it again, be it
    through a change of shape, as one-dimensional ones have it.
    """
    makers = graph.producers()
    readers = Counter([name for op in graph.ops for name in op.inputs] + list(graph.outputs))
    tensors, replaced = dict(graph.tensors), {}
    gone: set[str] = set()
    for op in graph.ops:
        chain = _chain(op, makers, readers) if op.kind == "BATCH_TO_SPACE_ND" else None
        made = None if chain is None else _dilated(chain, tensors)
        if chain is None or made is None:
            continue
        replaced[op.outputs[0]] = made
        between = (chain.spread, chain.front, chain.conv, chain.back)
        gone |= {step.outputs[0] for step in between if step is not None}
    if not replaced:
        return graph
    ops: list[Op] = []
    for op in graph.ops:
        output = op.outputs[0] if op.outputs else ""
        if output not in gone:
            ops += replaced.get(output, [op])
    return dataclasses.replace(graph, tensors=tensors, ops=tuple(ops))


def _chain(joined: Op, makers: dict[str, Op], readers: Counter[str]) -> _Chain | None:
    def before(op: Op | None) -> Op | None:
        name = op.inputs[0] if op is not None and op.inputs else ""
        return makers.get(name) if readers[name] == 1 else None

    conv = before(joined)
    back = conv if conv is not None and conv.kind in ALIASES else None
    conv = conv if back is None else before(back)
    spread = before(conv)
    front = spread if spread is not None and spread.kind in ALIASES else None
    spread = spread if front is None else before(front)
    if conv is None or spread is None or conv.kind not in CONVOLUTIONS or spread.kind != "SPACE_TO_BATCH_ND":
        return None
    return _Chain(spread, front, conv, back, joined)


def _dilated(chain: _Chain, tensors: dict[str, Tensor]) -> list[Op] | None:
    """Return the operators in the place of all, and add their tensors; None where they do not fit together."""
    source, result = tensors[chain.spread.inputs[0]], tensors[chain.joined.outputs[0]]
    blocks = [_values(op, 1, tensors) for op in (chain.spread, chain.joined)]
    pads, crops = _values(chain.spread, 2, tensors), _values(chain.joined, 2, tensors)
    conv, spread = (tensors[op.outputs[0]] for op in (chain.conv, chain.spread))
    image = tensors[chain.conv.inputs[0]]
    weights = tensors[chain.conv.inputs[1]].shape
    is_sound = blocks[0] == blocks[1] and len(pads) == len(crops) == 2 * len(blocks[0]) and bool(blocks[0])
    same_scale = source.quantization == spread.quantization and conv.quantization == result.quantization
    if not is_sound or not same_scale or len(image.shape) != 4 or len(weights) != 4 or source.shape[:1] != (1,):
        return None
    places = _places(spread, image, len(blocks[0]))
    if places is None:
        return None
    made = _as_attributes(chain.conv, weights, places, blocks[0], pads, crops)
    if made is None:
        return None
    in_shape, out_shape = _image(image, places, source), _image(conv, places, result)
    fronts = [top for top, _ in made[1]]
    for axis, (extent, (top, behind)) in enumerate(zip(made[2], made[1], strict=True)):
        if not 0 <= top < extent or not 0 <= behind < extent:
            return None
        if in_shape[axis + 1] + top + behind - extent + 1 != out_shape[axis + 1]:
            return None
    attributes = {**chain.conv.attributes, **made[0], "padding": "SAME", "pads": tuple(fronts)}
    given, found = f"{source.name} as an image", f"{result.name} as an image"
    tensors[given] = dataclasses.replace(source, name=given, shape=in_shape)
    tensors[found] = dataclasses.replace(result, name=found, shape=out_shape)
    layer = dataclasses.replace(
        chain.conv, inputs=(given, *chain.conv.inputs[1:]), outputs=(found,), attributes=attributes
    )
    name = chain.conv.name
    views = [Op("RESHAPE", name, (a,), (b,)) for a, b in ((source.name, given), (found, result.name))]
    return [views[0], layer, views[1]]


def _values(op: Op, index: int, tensors: dict[str, Tensor]) -> list[int]:
    values = tensors[op.inputs[index]].constant if index < len(op.inputs) else None
    return [] if values is None else [int(value) for value in values.reshape(-1)]


def _places(spread: Tensor, image: Tensor, count: int) -> list[int] | None:
    """Return which axes of the image the spread axes are: a change of shape adds one axis of one element."""
    if spread.shape == image.shape and count == 2:
        return [1, 2]
    if len(spread.shape) == 3 and count == 1:
        for axis in (1, 2):
            if (*image.shape[:axis], *image.shape[axis + 1 :]) == spread.shape and image.shape[axis] == 1:
                return [3 - axis]
    return None


def _image(image: Tensor, places: list[int], outside: Tensor) -> tuple[int, ...]:
    """Return the shape that what lies outside has as an image."""
    shape = [1, *image.shape[1:]]
    for index, place in enumerate(places):
        shape[place] = outside.shape[1 + index]
    return tuple(shape)


def _as_attributes(
    conv: Op, weights: tuple[int, ...], places: list[int], block: list[int], pads: list[int], crops: list[int]
) -> tuple[dict[str, int], list[Pair], Pair] | None:
    """Return dilations, padding in front and behind, and extents of the dilated window, of rows and columns."""
    dilations, around = [1, 1], [(0, 0), (0, 0)]
    for index, place in enumerate(places):
        dilations[place - 1] = block[index]
        around[place - 1] = (pads[2 * index] - crops[2 * index], pads[2 * index + 1] - crops[2 * index + 1])
    found: list[Pair] = []
    for axis, name in enumerate(("h", "w")):
        is_plain = conv.attributes.get(f"stride_{name}", 1) == 1 == conv.attributes.get(f"dilation_{name}_factor", 1)
        if not is_plain:
            return None
        inside = weights[1 + axis] - 1 if conv.attributes.get("padding") == "SAME" else 0
        own = inside // 2 * dilations[axis], (inside - inside // 2) * dilations[axis]
        found.append((around[axis][0] + own[0], around[axis][1] + own[1]))
    extents = ((weights[1] - 1) * dilations[0] + 1, (weights[2] - 1) * dilations[1] + 1)
    return {"dilation_h_factor": dilations[0], "dilation_w_factor": dilations[1]}, found, extents
