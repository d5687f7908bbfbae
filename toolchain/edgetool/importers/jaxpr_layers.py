"""Products, convolutions, look-ups and pools of a JAX program: tf_keras layers where their kernel is constant."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from edgetool.data.dataset import Array
from edgetool.importers.jaxpr import Constant, Size, Step, Value
from edgetool.importers.jaxpr_emit import Emitter

if TYPE_CHECKING:
    import tensorflow as tf
    import tf_keras

__all__ = ["convolution", "dot_general", "gather", "pool"]


def dot_general(emitter: Emitter, step: Step) -> list[tf.Tensor]:
    """A product over some axes: a Dense layer with a constant on one side, else a batched matrix product."""
    (left_axes, right_axes), (left_batch, right_batch) = step.params["dimension_numbers"]
    left, right = step.inputs
    if isinstance(right, Constant) and isinstance(left, Value) and not left_batch:
        return [_dense(emitter, step, left, left_axes, right, right_axes)]
    if isinstance(left, Constant) and isinstance(right, Value) and not left_batch:
        product = _dense(emitter, step, right, right_axes, left, left_axes)
        made = left.values.ndim - len(left_axes)
        rank = len(step.outputs[0].shape)
        return [_transpose(product, [*range(rank - made, rank), *range(rank - made)])]
    axes = (tuple(left_axes), tuple(right_axes), tuple(left_batch), tuple(right_batch))
    return [_matmul(emitter, step, axes)]


def _dense(
    emitter: Emitter, step: Step, x: Value, axes: Sequence[int], kernel: Constant, kernel_axes: Sequence[int]
) -> tf.Tensor:
    """Contract `axes` of `x` with a constant; the constant's other axes come last."""
    free = [axis for axis in range(kernel.values.ndim) if axis not in kernel_axes]
    sizes = [kernel.values.shape[axis] for axis in free]
    matrix = kernel.values.transpose([*kernel_axes, *free]).reshape(-1, int(np.prod(sizes, dtype=int)))
    kept = [axis for axis in range(len(x.shape)) if axis not in axes]
    tensor = _transpose(emitter.full(x), [*kept, *axes])
    outer = tuple(x.shape[axis] for axis in kept)
    if not outer:
        raise emitter.refused("a product that sums over the batch", "one result for each sample")
    if len(axes) != 1:
        tensor = emitter.reshape(tensor, (*outer, matrix.shape[0]))
    scale, shift = step.params.get("scale", 1.0), step.params.get("shift")
    layer = emitter.layer("Dense", matrix.shape[1], use_bias=shift is not None, name=_layer_name(kernel, step))
    product = layer(tensor)
    _set_weights(layer, matrix * scale, shift)
    return emitter.reshape(product, (*outer, *sizes)) if len(sizes) != 1 else product


def _matmul(emitter: Emitter, step: Step, axes: tuple[tuple[int, ...], ...]) -> tf.Tensor:
    """[batch, left, k] x [batch, k, right], several axes of a kind flattened to one and restored."""
    import tensorflow as tf

    left_axes, right_axes, left_batch, right_batch = axes
    a_shape, b_shape = (_shape(item) for item in step.inputs)
    a_free = [axis for axis in range(len(a_shape)) if axis not in (*left_axes, *left_batch)]
    b_free = [axis for axis in range(len(b_shape)) if axis not in (*right_axes, *right_batch)]
    batch = tuple(a_shape[axis] for axis in left_batch)
    inner = _flat(a_shape, left_axes)
    a = _transpose(emitter.full(step.inputs[0]), [*left_batch, *a_free, *left_axes])
    b = _transpose(emitter.full(step.inputs[1]), [*right_batch, *right_axes, *b_free])
    product = tf.matmul(
        emitter.reshape(a, (*batch, _flat(a_shape, a_free), inner)),
        emitter.reshape(b, (*batch, inner, _flat(b_shape, b_free))),
    )
    return emitter.reshape(product, step.outputs[0].shape)


def _shape(item: Value | Constant) -> tuple[Size, ...]:
    return tuple(item.values.shape) if isinstance(item, Constant) else item.shape


def _flat(shape: tuple[Size, ...], axes: Sequence[int]) -> Size:
    """Return the number of elements over `axes`; None where the batch is among them."""
    num_flat = 1
    for axis in axes:
        size = shape[axis]
        if size is None:
            return None
        num_flat *= size
    return num_flat


def convolution(emitter: Emitter, step: Step) -> list[tf.Tensor]:
    """A convolution with a constant kernel, over one, two or three axes, plain, grouped or by channel."""
    params, kernel = step.params, step.inputs[1]
    numbers = params["dimension_numbers"]
    rank = len(numbers.lhs_spec) - 2
    if not isinstance(kernel, Constant):
        raise emitter.refused("a convolution whose kernel is computed from the inputs", "a constant kernel")
    if any(size != 1 for size in params["lhs_dilation"]) or params["batch_group_count"] != 1 or rank not in (1, 2, 3):
        raise emitter.refused("a transposed or batch-grouped convolution", "lax.conv over one to three axes")
    values = kernel.values.transpose([*numbers.rhs_spec[2:], numbers.rhs_spec[1], numbers.rhs_spec[0]])
    x = _transpose(emitter.full(step.inputs[0]), [numbers.lhs_spec[0], *numbers.lhs_spec[2:], numbers.lhs_spec[1]])
    groups, strides = int(params["feature_group_count"]), tuple(int(s) for s in params["window_strides"])
    dilation = tuple(int(size) for size in params["rhs_dilation"])
    x, padding = _padded(emitter, x, values.shape[:rank], strides, dilation, params["padding"])
    scale, shift = params.get("scale", 1.0), params.get("shift")
    values = values * scale
    options = {"strides": strides, "padding": padding, "dilation_rate": dilation, "use_bias": shift is not None}
    channels = int(x.shape[-1])
    name = _layer_name(kernel, step)
    if rank == 2 and groups == channels and groups > 1:
        multiplier = values.shape[-1] // groups
        options["depth_multiplier"] = multiplier
        layer = emitter.layer("DepthwiseConv2D", values.shape[:rank], name=name, **options)
        values = values.reshape(*values.shape[:rank], channels, multiplier)
    else:
        options["groups"] = groups
        layer = emitter.layer(f"Conv{rank}D", values.shape[-1], values.shape[:rank], name=name, **options)
    y = layer(x)
    _set_weights(layer, values, shift)
    order = [numbers.out_spec[0], *numbers.out_spec[2:], numbers.out_spec[1]]
    return [_transpose(y, [order.index(axis) for axis in range(len(order))])]


def _padded(
    emitter: Emitter,
    x: tf.Tensor,
    window: Sequence[int],
    strides: Sequence[int],
    dilation: Sequence[int],
    amounts: Sequence[tuple[int, int]],
    value: float = 0.0,
) -> tuple[tf.Tensor, str]:
    """Return `x` and `valid` or `same`: amounts that are neither become an operator of their own."""
    pairs = [(int(low), int(high)) for low, high in amounts]
    if not any(low or high for low, high in pairs):
        return x, "valid"
    same = [
        _same(int(size), int(w), s, d) for size, w, s, d in zip(x.shape[1:-1], window, strides, dilation, strict=True)
    ]
    if pairs == same and value in (0.0, -np.inf):
        return x, "same"
    return emitter.pad(x, [(0, 0), *pairs, (0, 0)], value), "valid"


def _same(size: int, window: int, stride: int, dilation: int) -> tuple[int, int]:
    """Return what Keras pads for `same`."""
    total = max(0, (-(-size // stride) - 1) * stride + (window - 1) * dilation + 1 - size)
    return total // 2, total - total // 2


def pool(emitter: Emitter, step: Step) -> list[tf.Tensor]:
    """Largest value, mean or sum of windows over one or two axes, channels first or last."""
    params = step.params
    window = [int(size) for size in params["window_dimensions"]]
    spatial = [axis for axis, size in enumerate(window) if size > 1 or params["window_strides"][axis] > 1]
    if any(size != 1 for size in (*params["window_dilation"], *params["base_dilation"])) or 0 in spatial:
        raise emitter.refused("a dilated pool, or one over the batch", "plain windows over the image")
    rank = len(window)
    if rank not in (3, 4) or len(spatial) > rank - 2:
        raise emitter.refused(f"a pool over axes {spatial} of {rank}", "one or two axes, and one for channels")
    channel = rank - 1 if rank - 1 not in spatial else 1
    if channel in spatial:
        raise emitter.refused("a pool over channels", "windows over the image")
    inner = [axis for axis in range(1, rank) if axis != channel]
    order = [0, *inner, channel]
    x = _transpose(emitter.full(step.inputs[0]), order)
    size = tuple(window[axis] for axis in inner)
    strides = tuple(int(params["window_strides"][axis]) for axis in inner)
    amounts = [params["padding"][axis] for axis in inner]
    largest = step.kind == "reduce_window_max"
    x, padding = _padded(emitter, x, size, strides, (1,) * len(inner), amounts, -np.inf if largest else 0.0)
    if padding == "same" and not largest:  # Keras leaves padded places out of its mean
        x, padding = emitter.pad(x, [(0, 0), *[(int(a), int(b)) for a, b in amounts], (0, 0)], 0.0), "valid"
    kind = "MaxPooling" if largest else "AveragePooling"
    y = emitter.layer(f"{kind}{rank - 2}D", size, strides, padding)(x)
    if step.kind == "reduce_window_sum":
        y = y * float(np.prod(size))
    return [_transpose(y, [order.index(axis) for axis in range(rank)])]


def gather(emitter: Emitter, step: Step) -> list[tf.Tensor]:
    """Rows of a table, or entries along one axis, at computed or constant indices."""
    import tensorflow as tf

    numbers, sizes = step.params["dimension_numbers"], step.params["slice_sizes"]
    table, places = step.inputs
    shape = _shape(table)
    axes = tuple(numbers.start_index_map)
    if isinstance(places, Constant) and places.values.ndim == 1:
        return [_window(emitter, step)]
    plain = len(axes) == 1 and tuple(numbers.collapsed_slice_dims) == axes and not numbers.operand_batching_dims
    if not plain or any(
        isinstance(size, int) and size != shape[axis] for axis, size in enumerate(sizes) if axis != axes[0]
    ):
        raise emitter.refused("a gather along several axes, or of windows", "jnp.take along one axis")
    (axis,) = axes
    rank = len(step.outputs[0].shape)
    count = rank - len(numbers.offset_dims)
    if tuple(numbers.offset_dims) != (*range(axis), *range(axis + count, rank)):
        raise emitter.refused("a gather that moves axes", "jnp.take along one axis")
    indices = emitter.full(places)
    indices = (
        indices[..., 0] if isinstance(indices, np.ndarray) else emitter.reshape(indices, tuple(indices.shape[:-1]))
    )
    if isinstance(table, Constant) and axis == 0 and table.values.ndim == 2 and not isinstance(indices, np.ndarray):
        layer = emitter.layer("Embedding", *table.values.shape, name=_layer_name(table, step))
        rows = layer(indices)
        layer.set_weights([np.asarray(table.values, np.float32)])
        return [rows]
    return [tf.gather(emitter.full(table), indices, axis=axis)]


def _window(emitter: Emitter, step: Step) -> tf.Tensor:
    """One window at a constant place: what indexing with numbers and ranges gives where the batch is open."""
    numbers, (table, places) = step.params["dimension_numbers"], step.inputs
    assert isinstance(places, Constant)
    sizes = tuple(int(size) if isinstance(size, int | np.integer) else None for size in step.params["slice_sizes"])
    begin = [0] * len(sizes)
    for axis, start in zip(numbers.start_index_map, places.values, strict=True):
        begin[axis] = int(start)
    window = emitter.full(table)[emitter.window(table, begin, sizes, (1,) * len(sizes))]
    return emitter.reshape(window, step.outputs[0].shape)


def _layer_name(kernel: Constant, step: Step) -> str:
    """Return the name of the layer that a parameter belongs to: `dense_0` of `params/dense_0/kernel`."""
    name = kernel.name or str(step.params.get("bias_name", ""))
    parts = [part for part in name.split("/") if part and part != "params"]
    generic = ("kernel", "w", "weight", "weights", "embedding", "scale", "bias", "b")
    if len(parts) > 1 and parts[-1].lower() in generic:
        parts = parts[:-1]
    return "/".join(parts).replace("/", ".")


def _set_weights(layer: tf_keras.layers.Layer, kernel: Array, bias: Array | None) -> None:
    weights = [np.asarray(kernel, np.float32)]
    layer.set_weights(weights if bias is None else [*weights, np.asarray(bias, np.float32)])


def _transpose(x: tf.Tensor | Array, order: list[int]) -> tf.Tensor:
    import tensorflow as tf

    order = [int(axis) for axis in order]
    return x if order == sorted(order) else tf.transpose(x, order)
