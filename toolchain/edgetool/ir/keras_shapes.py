"""Output shapes and MACs of Keras layers from their configuration and input shapes, without running any of them.

Shapes are of one sample (no batch dimension); -1 is an open dimension. MACs count as in `edgetool.ir.macs`: products
with weights, or of two activations in attention, and nothing for element-wise work.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

__all__ = ["Shape", "layer_macs", "output_shape"]

Shape = tuple[int, ...]
Config = dict[str, Any]

#: Wrappers that leave the shape and the work of the layer inside as they are.
TRANSPARENT = frozenset({"QuantizeWrapper", "QuantizeWrapperV2", "PruneLowMagnitude", "ClusterWeights"})

_SAME_SHAPE_NAMES = """
    InputLayer Activation ReLU LeakyReLU PReLU ELU ThresholdedReLU Softmax Dropout SpatialDropout1D SpatialDropout2D
    SpatialDropout3D GaussianDropout GaussianNoise AlphaDropout ActivityRegularization BatchNormalization
    LayerNormalization GroupNormalization RMSNormalization UnitNormalization Normalization Rescaling Masking
    Identity RandomFlip RandomRotation RandomZoom RandomContrast RandomBrightness RandomTranslation QuantizeLayer
    Relu Relu6 Sigmoid Tanh Gelu Silu Cast
"""
_SAME_SHAPE = frozenset(_SAME_SHAPE_NAMES.split())
_MERGE = frozenset({"Add", "Multiply", "Subtract", "Average", "Maximum", "Minimum", "Divide"})
_RECURRENT_GATES = {"LSTM": 4, "GRU": 3, "SimpleRNN": 1}


def output_shape(kind: str, config: Config, inputs: list[Shape]) -> Shape | None:
    """Return a layer's output shape; None where this module does not know the kind.

    Raises:
        KeyError, ValueError, TypeError, IndexError, ArithmeticError: a configuration that makes no sense.
    """
    if not inputs:
        return None
    if kind in TRANSPARENT:
        return output_shape(*_inner(config), inputs)
    if _channels_first(kind, config):
        found = output_shape(kind, {**config, "data_format": "channels_last"}, [_to_last(shape) for shape in inputs])
        return None if found is None or len(found) < 2 else (found[-1], *found[:-1])
    if kind in _SAME_SHAPE:
        return inputs[0]
    if kind in _MERGE:
        return _broadcast(inputs)
    rule = _SHAPES.get(_without_rank(kind)) or _SHAPES.get(kind)
    return None if rule is None else rule(config, inputs)


def layer_macs(kind: str, config: Config, inputs: list[Shape], output: Shape | None) -> int | None:
    """Return a layer's multiply-accumulates for one sample; None where kind or shapes are not known.

    Raises:
        KeyError, ValueError, TypeError, IndexError, ArithmeticError: a configuration that makes no sense.
    """
    if kind in TRANSPARENT:
        return layer_macs(*_inner(config), inputs, output)
    base = _without_rank(kind)
    rule = _MACS.get(base) or _MACS.get(kind)
    if rule is None:
        free = kind in _SAME_SHAPE or kind in _MERGE or base in _SHAPES or kind in _SHAPES
        return 0 if free else None
    if output is None or not inputs or any(size < 0 for shape in (*inputs, output) for size in shape):
        return None
    if _channels_first(kind, config):
        config, inputs, output = {**config, "data_format": ""}, [_to_last(shape) for shape in inputs], _to_last(output)
    return rule(config, inputs, output)


def _inner(config: Config) -> tuple[str, Config]:
    inner = config["layer"]
    return str(inner["class_name"]), inner["config"]


def _without_rank(kind: str) -> str:
    """`Conv2D`, `Conv1D` and `Conv3D` share their rules: `Conv`; what has no number of dimensions stays as it is."""
    for rank in ("1D", "2D", "3D"):
        kind = kind.replace(rank, "")
    return kind


def _channels_first(kind: str, config: Config) -> bool:
    return config.get("data_format") == "channels_first" and kind != _without_rank(kind)


def _to_last(shape: Shape) -> Shape:
    return (*shape[1:], shape[0])


def _many(value: int | list[int] | tuple[int, ...], count: int) -> tuple[int, ...]:
    """Return a number or a list of `count` numbers as `count` numbers."""
    found = tuple(int(item) for item in value) if isinstance(value, list | tuple) else (int(value),) * count
    if len(found) != count:
        raise ValueError(f"{len(found)} numbers for {count} dimensions")
    return found


def _broadcast(inputs: list[Shape]) -> Shape | None:
    longest = max(inputs, key=len)
    if any(len(shape) != len(longest) for shape in inputs):
        return None
    return tuple(-1 if -1 in sizes else max(sizes) for sizes in zip(*inputs, strict=True))


def _windows(config: Config, given: Shape, key: str) -> Shape:
    """Return the spatial output sizes of a convolution or pooling."""
    rank = len(given) - 1
    sizes = _many(config[key], rank)
    strides = _many(config.get("strides") or config[key], rank)
    dilation = _many(config.get("dilation_rate", 1), rank)
    found = []
    for size, window, stride, spread in zip(given[:-1], sizes, strides, dilation, strict=True):
        if size < 0:
            found.append(-1)
        elif config.get("padding", "valid") in ("same", "causal"):
            found.append(-(-size // stride))
        else:
            found.append(max(0, (size - (window - 1) * spread - 1) // stride + 1))
    return tuple(found)


def _transposed_windows(config: Config, given: Shape) -> Shape:
    """Return the spatial output sizes of a transposed convolution (Keras: `deconv_output_length`)."""
    rank = len(given) - 1
    sizes, strides = _many(config["kernel_size"], rank), _many(config.get("strides", 1), rank)
    dilation = _many(config.get("dilation_rate", 1), rank)
    extra = config.get("output_padding")
    extras: tuple[int | None, ...] = (None,) * rank if extra is None else _many(extra, rank)
    same = config.get("padding", "valid") == "same"
    found = []
    for size, window, stride, spread, more in zip(given[:-1], sizes, strides, dilation, extras, strict=True):
        wide = (window - 1) * spread + 1
        if size < 0:
            found.append(-1)
        elif more is not None:
            found.append((size - 1) * stride + wide - (2 * (wide // 2) if same else 0) + more)
        else:
            found.append(size * stride if same else size * stride + max(wide - stride, 0))
    return tuple(found)


def _reshape(config: Config, inputs: list[Shape]) -> Shape | None:
    target = tuple(int(size) for size in config["target_shape"])
    if -1 not in target:
        return target
    if -1 in inputs[0]:
        return target
    rest = math.prod(size for size in target if size != -1)
    return tuple(math.prod(inputs[0]) // rest if size == -1 else size for size in target)


def _resize_each(config: Config, inputs: list[Shape], key: str, sign: int) -> Shape:
    """Add to (or take from) both ends of each spatial dimension; the value is n, [n, m] or [[a, b], [c, d]]."""
    given, value = inputs[0], config[key]
    rank = len(given) - 1
    if rank == 1 and isinstance(value, list | tuple) and not isinstance(value[0], list | tuple):
        value = [value]
    pairs = value if isinstance(value, list | tuple) else [value] * rank
    totals = [sum(_many(pair, 2)) for pair in pairs]
    return (*(s if s < 0 else max(0, s + sign * t) for s, t in zip(given[:-1], totals, strict=True)), given[-1])


def _concatenate(config: Config, inputs: list[Shape]) -> Shape | None:
    axis = int(config.get("axis", -1))
    axis = axis - 1 if axis > 0 else axis  # the configuration counts the batch
    if any(len(shape) != len(inputs[0]) for shape in inputs):
        return None
    sizes = [shape[axis] for shape in inputs]
    found = list(inputs[0])
    found[axis] = -1 if -1 in sizes else sum(sizes)
    return tuple(found)


def _global_pool(config: Config, inputs: list[Shape]) -> Shape:
    given = inputs[0]
    return (*(1,) * (len(given) - 1), given[-1]) if config.get("keepdims") else (given[-1],)


def _recurrent_shape(config: Config, inputs: list[Shape]) -> Shape:
    units = int(config["units"])
    return (inputs[0][0], units) if config.get("return_sequences") else (units,)


def _bidirectional_shape(config: Config, inputs: list[Shape]) -> Shape | None:
    found = output_shape(*_inner(config), inputs)
    if found is None or config.get("merge_mode", "concat") != "concat":
        return found
    return (*found[:-1], 2 * found[-1])


def _time_distributed_shape(config: Config, inputs: list[Shape]) -> Shape | None:
    found = output_shape(*_inner(config), [shape[1:] for shape in inputs])
    return None if found is None else (inputs[0][0], *found)


def _attention_shape(config: Config, inputs: list[Shape]) -> Shape:
    last = config.get("output_shape")
    return inputs[0] if last is None else (*inputs[0][:-1], *_many(last, 1 if isinstance(last, int) else len(last)))


def _upsampled(config: Config, inputs: list[Shape]) -> Shape:
    given = inputs[0]
    factors = _many(config["size"], len(given) - 1)
    return (*(s if s < 0 else s * f for s, f in zip(given[:-1], factors, strict=True)), given[-1])


def _flat(_: Config, inputs: list[Shape]) -> Shape:
    return (-1 if -1 in inputs[0] else math.prod(inputs[0]),)


def _einsum_parts(config: Config) -> tuple[str, str, str]:
    """Return the labels of an EinsumDense's input, kernel and output; dots count as one label."""
    inputs, _, output = str(config["equation"]).replace(" ", "").replace("...", "0").partition("->")
    given, _, kernel = inputs.partition(",")
    if not given or not kernel or not output:
        raise ValueError(f"equation {config['equation']!r}")
    return given, kernel, output


def _einsum_shape(config: Config, inputs: list[Shape]) -> Shape:
    stated = config["output_shape"]
    found = tuple(stated) if isinstance(stated, list | tuple) else (stated,)
    given, _, output = _einsum_parts(config)
    if "0" in given:  # the configuration states the last dimensions only
        return (*inputs[0][: len(inputs[0]) - len(given) + given.index("0") + 1], *(int(size) for size in found))
    sizes = dict(zip(given[1:], inputs[0], strict=True))
    return tuple(sizes[label] if size is None else int(size) for label, size in zip(output[1:], found, strict=True))


_SHAPES: dict[str, Callable[[Config, list[Shape]], Shape | None]] = {
    "Conv": lambda c, i: (*_windows(c, i[0], "kernel_size"), int(c["filters"])),
    "SeparableConv": lambda c, i: (*_windows(c, i[0], "kernel_size"), int(c["filters"])),
    "DepthwiseConv": lambda c, i: (
        *_windows(c, i[0], "kernel_size"),
        i[0][-1] * int(c.get("depth_multiplier", 1)),
    ),
    "ConvTranspose": lambda c, i: (*_transposed_windows(c, i[0]), int(c["filters"])),
    "MaxPooling": lambda c, i: (*_windows(c, i[0], "pool_size"), i[0][-1]),
    "AveragePooling": lambda c, i: (*_windows(c, i[0], "pool_size"), i[0][-1]),
    "GlobalMaxPooling": _global_pool,
    "GlobalAveragePooling": _global_pool,
    "Dense": lambda c, i: (*i[0][:-1], int(c["units"])),
    "Flatten": _flat,
    "Reshape": _reshape,
    "Permute": lambda c, i: tuple(i[0][int(axis) - 1] for axis in c["dims"]),
    "RepeatVector": lambda c, i: (int(c["n"]), *i[0]),
    "ZeroPadding": lambda c, i: _resize_each(c, i, "padding", 1),
    "Cropping": lambda c, i: _resize_each(c, i, "cropping", -1),
    "UpSampling": _upsampled,
    "Resizing": lambda c, i: (int(c["height"]), int(c["width"]), i[0][-1]),
    "CenterCrop": lambda c, i: (int(c["height"]), int(c["width"]), i[0][-1]),
    "Concatenate": _concatenate,
    "Embedding": lambda c, i: (*i[0], int(c["output_dim"])),
    "ReversibleEmbedding": lambda c, i: (
        (*i[0][:-1], int(c["input_dim"])) if c.get("reverse") else (*i[0], int(c["output_dim"]))
    ),
    "LSTM": _recurrent_shape,
    "GRU": _recurrent_shape,
    "SimpleRNN": _recurrent_shape,
    "Bidirectional": _bidirectional_shape,
    "TimeDistributed": _time_distributed_shape,
    "MultiHeadAttention": _attention_shape,
    "EinsumDense": _einsum_shape,
}


def _separable_macs(config: Config, inputs: list[Shape], output: Shape) -> int:
    depth = inputs[0][-1] * int(config.get("depth_multiplier", 1))
    window = math.prod(_many(config["kernel_size"], len(output) - 1))
    return math.prod(output[:-1]) * (depth * window + depth * output[-1])


def _recurrent_macs(kind: str) -> Callable[[Config, list[Shape], Shape], int]:
    def macs(config: Config, inputs: list[Shape], _: Shape) -> int:
        units = int(config["units"])
        return inputs[0][0] * _RECURRENT_GATES[kind] * units * (inputs[0][-1] + units)

    return macs


def _bidirectional_macs(config: Config, inputs: list[Shape], output: Shape) -> int | None:
    one = layer_macs(*_inner(config), inputs, output)
    return None if one is None else 2 * one


def _time_distributed_macs(config: Config, inputs: list[Shape], output: Shape) -> int | None:
    one = layer_macs(*_inner(config), [shape[1:] for shape in inputs], output[1:])
    return None if one is None else inputs[0][0] * one


def _einsum_macs(config: Config, inputs: list[Shape], output: Shape) -> int:
    """Output elements times the size of each axis that is summed over; without one, nothing is added up."""
    given, kernel, out = _einsum_parts(config)
    summed = [label for label in given if label in kernel and label not in out]
    from_end = {label: place - len(given) for place, label in enumerate(given)}
    return math.prod(output) * math.prod(inputs[0][from_end[label]] for label in summed) if summed else 0


def _attention_macs(config: Config, inputs: list[Shape], output: Shape) -> int | None:
    """Projections of query, key, value and output, scores, and their product with the values."""
    query, value = inputs[0], inputs[1] if len(inputs) > 1 else inputs[0]
    key = inputs[2] if len(inputs) > 2 else value
    if any(len(shape) != 2 for shape in (query, value, key, output)):
        return None
    heads, key_size = int(config["num_heads"]), int(config["key_dim"])
    value_size = int(config.get("value_dim") or key_size)
    projections = query[0] * query[1] * key_size + key[0] * key[1] * key_size + value[0] * value[1] * value_size
    scores = query[0] * key[0] * (key_size + value_size)
    return heads * (projections + scores + query[0] * value_size * output[-1])


_MACS: dict[str, Callable[[Config, list[Shape], Shape], int | None]] = {
    "Conv": lambda c, i, o: (
        math.prod(o) * math.prod(_many(c["kernel_size"], len(o) - 1)) * (i[0][-1] // int(c.get("groups", 1)))
    ),
    "SeparableConv": _separable_macs,
    "DepthwiseConv": lambda c, _, o: math.prod(o) * math.prod(_many(c["kernel_size"], len(o) - 1)),
    "ConvTranspose": lambda c, i, o: math.prod(i[0]) * math.prod(_many(c["kernel_size"], len(o) - 1)) * o[-1],
    "Dense": lambda _, i, o: math.prod(o) * i[0][-1],
    "LSTM": _recurrent_macs("LSTM"),
    "GRU": _recurrent_macs("GRU"),
    "SimpleRNN": _recurrent_macs("SimpleRNN"),
    "Bidirectional": _bidirectional_macs,
    "TimeDistributed": _time_distributed_macs,
    "MultiHeadAttention": _attention_macs,
    "EinsumDense": _einsum_macs,
    "ReversibleEmbedding": lambda c, i, o: math.prod(o) * i[0][-1] if c.get("reverse") else 0,
}
