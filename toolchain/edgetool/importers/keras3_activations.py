"""Activations of Keras 3 that tf_keras lacks or computes otherwise, as functions that tf_keras layers take."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import tensorflow as tf

__all__ = ["celu", "hard_sigmoid", "hard_silu", "known_activation"]

#: Activations that both compute alike. `hard_sigmoid` has another slope in Keras 3.
_SAME_NAMES = "elu exponential gelu linear mish relu relu6 selu sigmoid silu softmax softplus softsign swish tanh"
SAME = frozenset(_SAME_NAMES.split())

_made: dict[int, tuple[object, Callable[[tf.Tensor], tf.Tensor]]] = {}


def known_activation(activation: Callable[..., object]) -> str | Callable[[tf.Tensor], tf.Tensor]:
    """Return what a tf_keras layer takes as its activation: a name where tf_keras has the same one, else a function.

    Args:
        activation: The activation of a Keras 3 layer: a function, or a layer without weights.
    """
    name = str(getattr(activation, "__name__", type(activation).__name__))
    if str(getattr(activation, "__module__", "")).startswith("keras.") and name in SAME:
        return "swish" if name == "silu" else name
    if id(activation) not in _made:
        _made[id(activation)] = (activation, _registered(activation, name))
    return _made[id(activation)][1]


def hard_sigmoid(x: tf.Tensor) -> tf.Tensor:
    """Return `relu6(x + 3) / 6` (Howard et al., MobileNetV3, 2019, section 5.2)."""
    import tensorflow as tf

    return tf.nn.relu6(x + 3.0) * (1.0 / 6.0)


def hard_silu(x: tf.Tensor) -> tf.Tensor:
    """Return `x relu6(x + 3) / 6`, in the form that the TFLite converter makes one HARD_SWISH of."""
    import tensorflow as tf

    return x * tf.nn.relu6(x + 3.0) * (1.0 / 6.0)


def celu(x: tf.Tensor, alpha: float = 1.0) -> tf.Tensor:
    """Return `max(x, 0) + alpha (exp(min(x, 0) / alpha) - 1)` (Barron, 2017); ONNX has no `expm1`."""
    import tensorflow as tf

    return tf.maximum(x, 0.0) + alpha * (tf.exp(tf.minimum(x, 0.0) / alpha) - 1.0)


#: Functions that compilers know better in another form than Keras 3 writes.
_OWN: dict[str, Callable[[tf.Tensor], tf.Tensor]] = {"celu": celu, "hard_sigmoid": hard_sigmoid, "hard_silu": hard_silu}


def _registered(activation: Callable[..., object], name: str) -> Callable[[tf.Tensor], tf.Tensor]:
    """Return a function under a name that tf_keras finds again, also in copies of a layer."""
    import tf_keras

    is_keras = str(getattr(activation, "__module__", "")).startswith("keras.")
    compute = _OWN.get(name, activation) if is_keras else activation

    def function(x: tf.Tensor) -> tf.Tensor:
        return compute(x)

    function.__name__ = name
    function.__qualname__ = name
    tf_keras.utils.register_keras_serializable(package="edgetool", name=f"{name}_{len(_made)}")(function)
    return function
