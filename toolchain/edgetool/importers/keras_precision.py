"""Models that were trained in another precision than float32 compute in float32: what artefacts are compared with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgetool.errors import UnsupportedModelError

if TYPE_CHECKING:
    import keras

__all__ = ["compute_in_float32"]


def compute_in_float32(model: keras.Model) -> str:
    """Let every layer of a Keras 3 model compute in float32 from now on.

    Weights of 16 bits are widened, which loses nothing; those of 64 bits are rounded.

    Args:
        model: A model of Keras 3; it is changed in place.

    Returns:
        The names of the policies that layers had, `float32` left out; empty: nothing was changed.

    Raises:
        UnsupportedModelError: a layer whose weights are quantised.
    """
    policies: set[str] = set()
    for layer in (model, *model._flatten_layers(include_self=False)):
        policy = layer.dtype_policy
        if policy.quantization_mode is not None:
            raise UnsupportedModelError(
                f"layer {layer.name!r}",
                found=f"a layer that is quantised already ({policy.name})",
                expected="float weights, which recipes quantise",
                next_step="give the model as it was before model.quantize(...)",
            )
        if (
            "float" not in str(policy.compute_dtype)
            or (policy.compute_dtype, policy.variable_dtype) == ("float32",) * 2
        ):
            continue
        policies.add(str(policy.name))
        layer.dtype_policy = "float32"
    for variable in model.variables:
        _widen(variable)
    return ", ".join(sorted(policies))


def _widen(variable: keras.Variable) -> None:
    """Give a float variable of Keras 3 a value of float32."""
    import tensorflow as tf

    if "float" not in str(variable.dtype) or variable.dtype == "float32":
        return
    value = tf.cast(variable._value, tf.float32)
    variable._dtype = "float32"
    variable._value = tf.Variable(value, trainable=variable.trainable, name=variable.name)
