"""Recognise in a flat JAX program what edge formats have one operator for.

1. Softmax: exp(x - max(x)) over its sum.
2. Means: a sum over axes, or over pooling windows, divided by the number of summands.
3. ReLU and ReLU6: the larger of x and 0, the smaller of that and 6.
4. Layers: a convolution or product with a constant kernel takes in the additions and multiplications of one constant a
   channel behind it: biases, and batch normalisation.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np

from edgetool.data.dataset import Array
from edgetool.importers.jaxpr import Constant, Program, Step, Value

__all__ = ["fuse"]

LINEAR = ("dot_general", "conv_general_dilated")


def fuse(program: Program) -> Program:
    """Return the program with fused steps; what it gives stays the same."""
    for rewrite in (_softmax, _means, _rectifiers):
        steps = _Steps(program)
        program = program.with_steps(tuple(rewrite(steps, step) or step for step in program.steps))
    while (changed := _absorb_one(program)) is not None:
        program = changed
    return program


class _Steps:
    """Looks up which step makes a value."""

    def __init__(self, program: Program) -> None:
        self._makers = {value.index: step for step in program.steps for value in step.outputs}

    def maker(self, item: Value | Constant, *kinds: str) -> Step | None:
        """Return the step that makes `item`, where it is of one of `kinds`."""
        step = self._makers.get(item.index) if isinstance(item, Value) else None
        return step if step is not None and step.kind in kinds else None

    def behind_broadcast(self, item: Value | Constant, *kinds: str) -> Step | None:
        """Return the step that makes what `item` repeats along axes."""
        step = self.maker(item, "broadcast_in_dim", "reshape", "expand_dims")
        while step is not None:
            item = step.inputs[0]
            step = self.maker(item, "broadcast_in_dim", "reshape", "expand_dims")
        return self.maker(item, *kinds)


def _softmax(steps: _Steps, step: Step) -> Step | None:
    """exp(x - max(x)) / sum(exp(x - max(x))), the maximum perhaps kept above -inf."""
    if step.kind != "div":
        return None
    top = steps.maker(step.inputs[0], "exp")
    below = steps.behind_broadcast(step.inputs[1], "reduce_sum")
    if top is None or below is None or below.inputs[0] != step.inputs[0]:
        return None
    shifted = steps.maker(top.inputs[0], "sub")
    if shifted is None or not isinstance(shifted.inputs[0], Value):
        return None
    largest = steps.behind_broadcast(shifted.inputs[1], "reduce_max", "max")
    if largest is not None and largest.kind == "max":
        inner = [item for item in largest.inputs if isinstance(item, Value)]
        bounds = [item.values for item in largest.inputs if isinstance(item, Constant)]
        largest = steps.maker(inner[0], "reduce_max") if len(inner) == 1 and np.all(np.isneginf(bounds[0])) else None
    axes = tuple(below.params["axes"])
    if largest is None or largest.inputs[0] != shifted.inputs[0] or tuple(largest.params["axes"]) != axes:
        return None
    if len(axes) != 1:
        return None
    return Step("softmax", (shifted.inputs[0],), step.outputs, {"axis": axes[0]})


def _means(steps: _Steps, step: Step) -> Step | None:
    """A sum divided by the number of its summands, perhaps with its axes kept in between."""
    if step.kind not in ("div", "mul") or not isinstance(step.inputs[0], Value):
        return None
    count = _scalar(step.inputs[1])
    if count is None or count == 0.0:
        return None
    count = count if step.kind == "div" else 1.0 / count
    kept = steps.maker(step.inputs[0], "broadcast_in_dim", "reshape")
    source = kept.inputs[0] if kept is not None else step.inputs[0]
    total = steps.maker(source, "reduce_sum", "reduce_window_sum")
    if total is None or not isinstance(total.inputs[0], Value) or step.outputs[0].dtype != "float32":
        return None
    if total.kind == "reduce_window_sum":
        window = total.params["window_dimensions"]
        if kept is not None or not math.isclose(count, math.prod(window), rel_tol=1e-6):
            return None
        return dataclasses.replace(total, kind="reduce_window_mean", outputs=step.outputs)
    axes = tuple(total.params["axes"])
    sizes = [total.inputs[0].shape[axis] for axis in axes]
    if None in sizes or not math.isclose(count, math.prod(size or 0 for size in sizes), rel_tol=1e-6):
        return None
    shape = total.inputs[0].shape
    with_axes = tuple(1 if axis in axes else size for axis, size in enumerate(shape))
    if kept is not None and step.outputs[0].shape != with_axes:
        return None
    return Step("reduce_mean", (total.inputs[0],), step.outputs, {"axes": axes, "keepdims": kept is not None})


def _rectifiers(steps: _Steps, step: Step) -> Step | None:
    if step.kind == "max":
        x, bound = _with_scalar(step)
        return Step("relu", (x,), step.outputs, {}) if x is not None and bound == 0.0 else None
    if step.kind == "min":
        x, bound = _with_scalar(step)
        rectified = steps.maker(x, "max") if x is not None else None
        if rectified is None or bound != 6.0:
            return None
        source, low = _with_scalar(rectified)
        return Step("relu6", (source,), step.outputs, {}) if source is not None and low == 0.0 else None
    return None


def _absorb_one(program: Program) -> Program | None:
    """Fold one addition or multiplication of constants into the layer in front of it; None where there is none."""
    steps, readers = _Steps(program), program.readers()
    for step in program.steps:
        if step.kind not in ("add", "sub", "mul", "div"):
            continue
        for position in (0, 1):
            layer = steps.maker(step.inputs[position], *LINEAR)
            other = step.inputs[1 - position]
            if layer is None or not isinstance(other, Constant) or readers[layer.outputs[0].index] != 1:
                continue
            if position == 1 and step.kind in ("sub", "div"):
                continue
            folded = _absorb(layer, step, other)
            if folded is not None:
                made = [folded if item is step else item for item in program.steps if item is not layer]
                return program.with_steps(tuple(made))
    return None


def _absorb(layer: Step, step: Step, other: Constant) -> Step | None:
    kernel = layer.inputs[1]
    if not isinstance(kernel, Constant) or layer.outputs[0].dtype != "float32":
        return None
    axis = output_axis(layer)
    row = None if axis is None else _row(other.values, layer.outputs[0].shape, axis)
    if row is None:
        return None
    scale, shift = layer.params.get("scale", 1.0), layer.params.get("shift")
    if step.kind in ("add", "sub"):
        sign = 1.0 if step.kind == "add" else -1.0
        shift = sign * row if shift is None else shift + sign * row
    else:
        factor = row if step.kind == "mul" else 1.0 / row
        scale, shift = scale * factor, None if shift is None else shift * factor
    params = {**layer.params, "scale": scale, "shift": shift, "bias_name": layer.params.get("bias_name") or other.name}
    return dataclasses.replace(layer, outputs=step.outputs, params=params)


def output_axis(layer: Step) -> int | None:
    """Return the axis of the output channels of a layer with a constant kernel; None where there is not one."""
    if layer.kind == "conv_general_dilated":
        return int(layer.params["dimension_numbers"].out_spec[1])
    (_, contracted), (_, batch) = layer.params["dimension_numbers"]
    kernel = layer.inputs[1]
    assert isinstance(kernel, Constant)
    free = kernel.values.ndim - len(contracted) - len(batch)
    return len(layer.outputs[0].shape) - 1 if free == 1 and not batch else None


def _row(values: Array, shape: tuple[int | None, ...], axis: int) -> Array | None:
    """Return one value a channel, `[C]`, where `values` repeats along every other axis; None where it does not."""
    channels = shape[axis]
    if values.dtype.kind != "f" or channels is None:
        return None
    padded = values.reshape((1,) * (len(shape) - values.ndim) + values.shape) if values.ndim <= len(shape) else None
    if padded is None or any(size != 1 for other, size in enumerate(padded.shape) if other != axis):
        return None
    return np.broadcast_to(padded.ravel().astype(np.float64), (channels,))


def _scalar(item: Value | Constant) -> float | None:
    if isinstance(item, Constant) and item.values.size and np.all(item.values == item.values.flat[0]):
        return float(item.values.flat[0])
    return None


def _with_scalar(step: Step) -> tuple[Any, float | None]:
    """Return the value and the one number that a step combines; None where it does something else."""
    for position in (0, 1):
        bound = _scalar(step.inputs[1 - position])
        if isinstance(step.inputs[position], Value) and bound is not None:
            return step.inputs[position], bound
    return None, None
