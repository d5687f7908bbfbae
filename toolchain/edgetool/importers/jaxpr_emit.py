"""Write a flat JAX program as a functional tf_keras model: the table of primitives, and what is simple among them."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from edgetool.data.dataset import Array
from edgetool.errors import UnsupportedModelError
from edgetool.importers.jaxpr import Constant, Program, Size, Step, Value

if TYPE_CHECKING:
    import tensorflow as tf
    import tf_keras

__all__ = ["Emitter", "emit"]

#: JAX's primitive -> function of TensorFlow, element by element.
UNARY = {
    "abs": "abs",
    "acos": "acos",
    "asin": "asin",
    "atan": "atan",
    "ceil": "math.ceil",
    "cos": "cos",
    "erf": "math.erf",
    "exp": "exp",
    "floor": "floor",
    "is_finite": "math.is_finite",
    "log": "math.log",
    "neg": "negative",
    "not": "logical_not",
    "round": "round",
    "rsqrt": "math.rsqrt",
    "sign": "sign",
    "sin": "sin",
    "sqrt": "sqrt",
    "square": "square",
    "tan": "tan",
}
BINARY = {
    "add": "add",
    "and": "logical_and",
    "atan2": "atan2",
    "div": "divide",
    "eq": "equal",
    "ge": "greater_equal",
    "gt": "greater",
    "le": "less_equal",
    "lt": "less",
    "max": "maximum",
    "min": "minimum",
    "mul": "multiply",
    "ne": "not_equal",
    "or": "logical_or",
    "pow": "pow",
    "rem": "truncatemod",
    "sub": "subtract",
}
REDUCTIONS = {
    "reduce_and": "reduce_all",
    "reduce_max": "reduce_max",
    "reduce_min": "reduce_min",
    "reduce_or": "reduce_any",
    "reduce_prod": "reduce_prod",
    "reduce_sum": "reduce_sum",
}
#: Layers of Keras that stand for an activation, so that passes know them.
ACTIVATIONS = {"logistic": "sigmoid", "tanh": "tanh"}

#: Everything else: primitive -> `module:function` of a function (emitter, step) -> outputs.
OTHERS = {
    "dot_general": "edgetool.importers.jaxpr_layers:dot_general",
    "conv_general_dilated": "edgetool.importers.jaxpr_layers:convolution",
    "gather": "edgetool.importers.jaxpr_layers:gather",
    "reduce_window_max": "edgetool.importers.jaxpr_layers:pool",
    "reduce_window_mean": "edgetool.importers.jaxpr_layers:pool",
    "reduce_window_sum": "edgetool.importers.jaxpr_layers:pool",
}


def emit(program: Program, names: tuple[str, ...], batch: int | None, name: str, subject: str) -> Any:
    """Return the `tf_keras.Model` of `program`.

    Args:
        program: fused.
        names: The names of the inputs.
        batch: 1, or None where the batch is open.
        name: The name of the model.
        subject: what errors are about.

    Raises:
        UnsupportedModelError: a primitive that is not in the table, or one used in a way that has no operator.
    """
    import tf_keras

    emitter = Emitter(subject)
    inputs = []
    for value, given in zip(program.inputs, names, strict=True):
        inputs.append(tf_keras.Input(value.shape[1:], batch_size=batch, name=given, dtype=value.dtype))
        emitter.tensors[value.index] = inputs[-1]
    for step in program.steps:
        for value, tensor in zip(step.outputs, emitter.apply(step), strict=True):
            emitter.tensors[value.index] = tensor
    outputs = [emitter.full(item) for item in program.outputs]
    if any(isinstance(item, np.ndarray) for item in outputs):
        raise emitter.refused("an output that does not depend on the inputs", "outputs computed from the inputs")
    return tf_keras.Model(inputs, outputs if len(outputs) > 1 else outputs[0], name=name)


class Emitter:
    """Holds the tensors made so far. They may be smaller than JAX's values along axes that only repeat them."""

    def __init__(self, subject: str) -> None:
        self.subject = subject
        self.tensors: dict[int, Any] = {}
        self._taken: set[str] = set()

    def apply(self, step: Step) -> list[Any]:
        """Return the tensors that a step makes."""
        import importlib

        kind = step.kind
        if kind in ACTIVATIONS:
            return [self.layer("Activation", ACTIVATIONS[kind])(self.get(step.inputs[0]))]
        if kind in UNARY:
            return [_function(UNARY[kind])(self.get(step.inputs[0]))]
        if kind in BINARY:
            return [self._binary(step)]
        if kind in REDUCTIONS:
            axes = [int(axis) for axis in step.params["axes"]]
            return [_function(REDUCTIONS[kind])(self.full(step.inputs[0]), axis=axes)]
        if kind in OTHERS:
            module, _, function = OTHERS[kind].partition(":")
            made: list[Any] = getattr(importlib.import_module(module), function)(self, step)
            return made
        method: Callable[[Step], Any] | None = getattr(self, f"_{kind}", None)
        if method is None:
            raise self.refused(f"the primitive {kind!r}", "primitives that edge formats have operators for")
        made = method(step)
        return made if isinstance(made, list) else [made]

    def get(self, item: Value | Constant) -> Any:
        """Return a tensor that broadcasts to the value: a KerasTensor, or an array."""
        return np.asarray(item.values) if isinstance(item, Constant) else self.tensors[item.index]

    def full(self, item: Value | Constant) -> Any:
        """Return the tensor in its whole shape."""
        import tensorflow as tf

        tensor = self.get(item)
        if isinstance(item, Constant):
            return tensor
        repeats = [
            1 if have == wanted or wanted is None else wanted
            for have, wanted in zip(tensor.shape, item.shape, strict=True)
        ]
        for have, wanted in zip(tensor.shape, item.shape, strict=True):
            if wanted is None and have == 1:
                raise self.refused("a constant repeated along the batch", "values of each sample")
        return tensor if all(count == 1 for count in repeats) else tf.tile(tensor, repeats)

    def layer(self, kind: str, *arguments: object, name: str = "", **options: object) -> tf_keras.layers.Layer:
        """Return a new tf_keras layer, called after a parameter or its kind."""
        import tf_keras

        stem = re.sub(r"[^\w.-]", "_", name) or kind.lower()
        layer_name, count = stem, 1
        while layer_name in self._taken:
            layer_name, count = f"{stem}_{count}", count + 1
        self._taken.add(layer_name)
        return getattr(tf_keras.layers, kind)(*arguments, name=layer_name, **options)

    def refused(self, found: str, expected: str) -> UnsupportedModelError:
        """Return the error for something that cannot be written."""
        return UnsupportedModelError(
            self.subject,
            found=found,
            expected=expected,
            next_step="write it with other functions of jax.numpy or jax.lax, or give a Keras model trained on jax",
        )

    def _binary(self, step: Step) -> Any:
        left, right = (self.get(item) for item in step.inputs)
        if step.kind in ("div", "rem") and step.outputs[0].dtype != "float32":
            raise self.refused(f"{step.kind} of integers", "floats")
        if step.kind in ("and", "or") and step.outputs[0].dtype != "bool":
            raise self.refused(f"{step.kind} of bits", "bool")
        both = not isinstance(left, np.ndarray) and not isinstance(right, np.ndarray)
        if step.kind == "add" and both and left is not right and tuple(left.shape) == tuple(right.shape):
            return self.layer("Add")([left, right])
        return _function(BINARY[step.kind])(left, right)

    def _relu(self, step: Step) -> Any:
        return self.layer("ReLU")(self.get(step.inputs[0]))

    def _relu6(self, step: Step) -> Any:
        return self.layer("ReLU", 6.0)(self.get(step.inputs[0]))

    def _softmax(self, step: Step) -> Any:
        return self.layer("Softmax", step.params["axis"])(self.full(step.inputs[0]))

    def _reduce_mean(self, step: Step) -> Any:
        axes, keepdims = list(step.params["axes"]), step.params["keepdims"]
        x = self.full(step.inputs[0])
        if len(x.shape) == 4 and axes == [1, 2]:
            return self.layer("GlobalAveragePooling2D", keepdims=keepdims)(x)
        return _function("reduce_mean")(x, axis=axes, keepdims=keepdims)

    def _argmax(self, step: Step) -> Any:
        (axis,) = step.params["axes"]
        kind = np.dtype(step.params["index_dtype"]).name
        return _function(f"math.{step.kind}")(self.full(step.inputs[0]), axis=axis, output_type=kind)

    _argmin = _argmax

    def _erfc(self, step: Step) -> Any:
        return 1.0 - _function("math.erf")(self.get(step.inputs[0]))

    def _expm1(self, step: Step) -> Any:
        return _function("exp")(self.get(step.inputs[0])) - 1.0

    def _log1p(self, step: Step) -> Any:
        return _function("math.log")(self.get(step.inputs[0]) + 1.0)

    def _integer_pow(self, step: Step) -> Any:
        x, power = self.get(step.inputs[0]), int(step.params["y"])
        if power < 0:
            return 1.0 / _power(x, -power)
        return _power(x, power)

    def _select_n(self, step: Step) -> Any:
        which, *cases = step.inputs
        if len(cases) != 2 or which.dtype != "bool" if isinstance(which, Value) else len(cases) != 2:
            raise self.refused("a choice of more than two", "jnp.where")
        return _function("where")(self.get(which), self.get(cases[1]), self.get(cases[0]))

    def _clamp(self, step: Step) -> Any:
        low, x, high = (self.get(item) for item in step.inputs)
        return _function("minimum")(_function("maximum")(x, low), high)

    def _convert_element_type(self, step: Step) -> Any:
        return _function("cast")(self.get(step.inputs[0]), step.outputs[0].dtype)

    def _reshape(self, step: Step) -> Any:
        if step.params.get("dimensions") is not None:
            raise self.refused("a reshape that also transposes", "jnp.transpose before it")
        return self.reshape(self.full(step.inputs[0]), step.outputs[0].shape)

    _squeeze = _expand_dims = _reshape

    def reshape(self, x: tf.Tensor | Array, shape: tuple[Size, ...]) -> tf.Tensor:
        """Return `x` in another shape; at most one size may be open."""
        if tuple(x.shape) == shape:
            return x
        if shape.count(None) > 1:
            raise self.refused(f"a reshape to {list(shape)}", "one open dimension: the batch")
        rest = [size for size in shape[1:] if size is not None]
        if (
            shape[:1] == (None,)
            and x.shape[0] is None
            and None not in x.shape[1:]
            and _product(x.shape[1:]) == _product(rest)
        ):
            return self.layer("Flatten")(x) if len(shape) == 2 else self.layer("Reshape", tuple(rest))(x)
        return _function("reshape")(x, [-1 if size is None else size for size in shape])

    def _broadcast_in_dim(self, step: Step) -> Any:
        x = self.get(step.inputs[0])
        shape: list[Size] = [1] * len(step.outputs[0].shape)
        for axis, size in zip(step.params["broadcast_dimensions"], x.shape, strict=True):
            shape[axis] = size
        return x if tuple(shape) == tuple(x.shape) else self.reshape(x, tuple(shape))

    def _transpose(self, step: Step) -> Any:
        return _function("transpose")(self.full(step.inputs[0]), [int(axis) for axis in step.params["permutation"]])

    def _concatenate(self, step: Step) -> Any:
        parts = [self.full(item) for item in step.inputs]
        if any(isinstance(part, np.ndarray) for part in parts):
            return _function("concat")(parts, axis=step.params["dimension"])
        return self.layer("Concatenate", step.params["dimension"])(parts)

    def _slice(self, step: Step) -> Any:
        x = self.full(step.inputs[0])
        strides = step.params["strides"] or (1,) * len(x.shape)
        return x[self.window(step.inputs[0], step.params["start_indices"], step.outputs[0].shape, strides)]

    def _dynamic_slice(self, step: Step) -> Any:
        source, *starts = step.inputs
        if not all(isinstance(item, Constant) for item in starts):
            raise self.refused("a slice whose start is computed", "constant indices")
        begin = [int(item.values) for item in starts if isinstance(item, Constant)]
        return self.full(source)[self.window(source, begin, step.outputs[0].shape, (1,) * len(begin))]

    def window(
        self, source: Any, begin: Sequence[int], shape: tuple[Size, ...], strides: Sequence[int]
    ) -> tuple[slice, ...]:
        """Return Python's slices of a window; along the batch only the whole can be taken."""
        slices = []
        for axis, (start, size, stride) in enumerate(zip(begin, shape, strides, strict=True)):
            if source.shape[axis] is None:
                if size is not None or start != 0 or stride != 1:
                    raise self.refused("a slice of the batch", "whole batches")
                slices.append(slice(None))
            else:
                assert size is not None
                slices.append(slice(int(start), int(start) + (size - 1) * int(stride) + 1, int(stride)))
        return tuple(slices)

    def _pad(self, step: Step) -> Any:
        value = step.inputs[1]
        amounts = [(int(low), int(high)) for low, high, _ in step.params["padding_config"]]
        plain = isinstance(value, Constant) and all(inner == 0 for *_, inner in step.params["padding_config"])
        if not plain or any(low < 0 or high < 0 for low, high in amounts):
            raise self.refused("a pad that cuts, or spreads values out", "amounts from 0, on the edges")
        number = float(value.values) if isinstance(value, Constant) else 0.0
        return self.pad(self.full(step.inputs[0]), amounts, number)

    def pad(self, x: tf.Tensor | Array, amounts: list[tuple[int, int]], value: float) -> tf.Tensor:
        """Return `x` with constants on its edges."""
        outer_free = len(amounts) == 4 and amounts[0] == amounts[3] == (0, 0)
        if outer_free and value == 0.0:
            return self.layer("ZeroPadding2D", (amounts[1], amounts[2]))(x)
        return _function("pad")(x, amounts, constant_values=value)

    def _rev(self, step: Step) -> Any:
        return _function("reverse")(self.full(step.inputs[0]), [int(axis) for axis in step.params["dimensions"]])

    def _split(self, step: Step) -> Any:
        sizes = [int(size) for size in step.params["sizes"]]
        return list(_function("split")(self.full(step.inputs[0]), sizes, axis=int(step.params["axis"])))

    def _cumsum(self, step: Step) -> Any:
        axis, reverse = int(step.params["axis"]), bool(step.params["reverse"])
        return _function("cumsum")(self.full(step.inputs[0]), axis=axis, reverse=reverse)


def _function(path: str) -> Callable[..., Any]:
    """Return a function of TensorFlow by its dotted name."""
    import tensorflow as tf

    function: Callable[..., Any] = operator.attrgetter(path)(tf)
    return function


def _power(x: tf.Tensor | Array, power: int) -> tf.Tensor:
    if power == 0:
        return _function("ones_like")(x)
    product = x
    for _ in range(power - 1):
        product = product * x
    return product


def _product(sizes: Sequence[int]) -> int:
    return int(np.prod([int(size) for size in sizes], dtype=np.int64))
