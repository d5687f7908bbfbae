"""`Carried` for tf_keras: a layer or an operator of Keras 3 that tf_keras does not have.

Keras 3 computes it, by its TensorFlow implementation, so that its result is Keras's own. The object itself lies in a
table of this process, and the layer's configuration is its key there: copies of a model live and end in one process,
and a configuration may hold what no file could, as a function of the user's.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import keras
    import tensorflow as tf
    import tf_keras

__all__ = ["Place", "carried_layer", "fill_in", "register"]


@dataclass(frozen=True, slots=True)
class Place:
    """Where the tensor of that number stands among the arguments of a call."""

    index: int


#: Key -> a layer or an operator of Keras 3, a function, or the arguments of a call.
_registered: dict[str, Any] = {}


def register(value: object, name: str) -> str:
    """Keep `value` for as long as the process lives and return its key.

    Args:
        value: a Keras 3 layer or operator, a function of tensors, or arguments `(args, kwargs)` with a `Place` for
            each tensor.
        name: a readable beginning of the key.
    """
    key = f"{name}#{len(_registered)}"
    _registered[key] = value
    return key


def fill_in(arguments: object, tensors: list[tf.Tensor]) -> Any:
    """Return arguments with each `Place` replaced by its tensor."""
    if isinstance(arguments, Place):
        return tensors[arguments.index]
    if isinstance(arguments, dict):
        return {key: fill_in(value, tensors) for key, value in arguments.items()}
    if isinstance(arguments, list | tuple):
        return type(arguments)([fill_in(value, tensors) for value in arguments])
    if isinstance(arguments, slice):
        return slice(*(fill_in(value, tensors) for value in (arguments.start, arguments.stop, arguments.step)))
    return arguments


@functools.cache
def carried_layer() -> type[tf_keras.layers.Layer]:
    """Return the class; see the module."""
    import tf_keras

    @tf_keras.utils.register_keras_serializable(package="edgetool")
    class Carried(tf_keras.layers.Layer):  # type: ignore[misc]  # no types there
        """A layer of Keras 3, with weights of its own, an operator, or a function of tensors.

        Args:
            source: key of what computes the outputs.
            kwargs: name and the like.
        """

        def __init__(self, source: str, **kwargs: object) -> None:
            kwargs["dtype"] = "float32"
            super().__init__(autocast=False, **kwargs)
            self.source = source
            compute = _copy(_registered[source])
            # Past tf_keras, which would take what it finds in a layer of Keras 3 for its own.
            object.__setattr__(self, "_compute", compute)
            for variable in _variables(compute):
                kind = self._trainable_weights if variable.trainable else self._non_trainable_weights
                kind.append(variable._value)
            self.built = True

        def call(self, inputs: tf.Tensor | Sequence[tf.Tensor], arguments: str = "") -> Any:
            """Compute outputs from a tensor or a list of them.

            Args:
                inputs: Tensors of any shapes and types.
                arguments: key of the arguments that they stand in; default: they are the only ones.
            """
            tensors = list(inputs) if isinstance(inputs, list | tuple) else [inputs]
            args, kwargs = fill_in(_registered[arguments], tensors) if arguments else (tensors, {})
            return _without_masks(self._compute(*args, **kwargs))

        def get_config(self) -> dict[str, Any]:
            return {"name": self.name, "trainable": self.trainable, "source": self.source}

    return Carried


def _copy(compute: Any) -> Callable[..., Any]:
    """Return a layer with variables of its own; what has no variables is shared."""
    variables = list(_variables(compute))
    if not variables:
        return _inferring(compute)
    import keras

    config = keras.saving.serialize_keras_object(compute)
    copied = keras.saving.deserialize_keras_object(config, safe_mode=False)
    if not copied.built:
        copied.build_from_config(compute.get_build_config())
    for old, new in zip(variables, _variables(copied), strict=True):
        new.assign(keras.ops.cast(old, new.dtype))
    return _inferring(copied)


def _variables(compute: object) -> Iterator[keras.Variable]:
    """Yield the weights of a Keras 3 layer; states of random numbers are none."""
    yield from getattr(getattr(compute, "func", compute), "weights", ())


def _inferring(compute: Callable[..., object]) -> Callable[..., Any]:
    """Return what calls a layer for inference, if it knows of training."""
    if getattr(compute, "_call_has_training_arg", False):
        return functools.partial(compute, training=False)
    return compute


def _without_masks(outputs: object) -> Any:
    """Return a tensor or a flat list of them, without Keras' masks: these are inputs of the layers that read them."""
    import keras
    import tensorflow as tf

    tensors = [tf.convert_to_tensor(tensor) for tensor in keras.tree.flatten(outputs)]
    for tensor in tensors:
        if hasattr(tensor, "_keras_mask"):
            del tensor._keras_mask
    return tensors[0] if len(tensors) == 1 else tensors
