"""A Keras model that was rebuilt computes what its source does, as far as numbers can tell.

Two deep networks that add the same products in another order differ by more than one would think: a MobileNetV2 of
random weights by 1.2e-5 of its largest output. Where single precision leaves a doubt both are computed in double, and
there they must agree: a layer that behaves differently does so in any precision.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from edgetool.data.dataset import Array
from edgetool.errors import ParityError, UnsupportedModelError
from edgetool.importers.double import outputs_in_double

if TYPE_CHECKING:
    import keras
    import tensorflow as tf
    import tf_keras
    from tf_keras.src.engine.keras_tensor import KerasTensor

__all__ = ["TOLERANCE", "Difference", "difference_of", "flat_outputs", "listed", "require_alike"]

#: Largest difference, relative to the largest output, that a model and its rebuilt form may have.
TOLERANCE = 1e-5

#: Largest one that rounding in single precision may explain, also between a model and itself in double precision.
ROUNDING = 1e-2


@dataclass(frozen=True, slots=True)
class Difference:
    """How far two models are apart, relative to the largest output; NaN where one alone gives NaN.

    Attributes:
        single: The difference in single precision.
        double: The difference in double precision. None if it cannot be computed, or if `single` leaves no doubt.
    """

    single: float
    double: float | None = None

    @property
    def decisive(self) -> float:
        """The difference that tells whether the models compute the same."""
        return self.single if self.double is None else self.double

    def __str__(self) -> str:
        if self.double is None:
            return f"{self.single:.1e}"
        return f"{self.double:.1e} in double precision ({self.single:.1e} in single)"


def require_alike(subject: str, difference: Difference) -> None:
    """Refuse a rebuilt model whose outputs are not those of its source.

    Raises:
        ParityError: says by how much.
    """
    if difference.decisive <= TOLERANCE:
        return
    raise ParityError(
        subject,
        found=f"outputs that differ by {difference} of the largest one after carrying over to tf_keras",
        expected=f"at most {TOLERANCE:g}",
        next_step="a layer behaves differently in Keras 2: compare layer by layer, or export with float32 only",
    )


def difference_of(source: keras.Model | tf_keras.Model, rebuilt: tf_keras.Model) -> Difference:
    """Compare two models on seeded noise, in double precision too where single leaves a doubt.

    Args:
        source: A model of Keras 3 or tf_keras.
        rebuilt: A model of tf_keras with the same inputs and outputs.

    Raises:
        UnsupportedModelError: Keras itself cannot run the source here.
    """
    random = np.random.default_rng(0)
    inputs = [_noise(tensor, random) for tensor in rebuilt.inputs]
    runs = _runner(source), _runner(rebuilt)
    try:
        expected = _arrays(runs[0](*inputs))
    except Exception as exc:
        raise UnsupportedModelError(
            str(source.name),
            found=f"a model that Keras cannot run on this CPU: {' '.join(str(exc).split())[:300]}",
            expected="a model that answers, which the rebuilt one is compared with",
            next_step="run it once with model.predict, and replace the layer that is named",
        ) from exc
    outputs = [expected, _arrays(runs[1](*inputs))]
    single = _largest_difference(*outputs)
    if single <= TOLERANCE or not single <= ROUNDING:
        return Difference(single)
    try:
        doubles = [outputs_in_double(run, inputs) for run in runs]
    except Exception:  # noqa: BLE001 - TensorFlow raises anything; then single precision decides, which is stricter
        return Difference(single)
    pairs = zip(outputs, doubles, strict=True)
    if not max(_largest_difference(double, own) for own, double in pairs) <= ROUNDING:
        return Difference(single)  # double precision computed something else
    return Difference(single, _largest_difference(*doubles))


def listed(value: object) -> list[Any]:
    """Return outputs as a list; a dictionary's in its own order."""
    if isinstance(value, dict):
        return list(value.values())
    return list(value) if isinstance(value, list | tuple) else [value]


def _runner(model: keras.Model | tf_keras.Model) -> Callable[..., Any]:
    """Return a function of a model's inputs, one after the other."""
    structure = getattr(model, "_inputs_struct", None)

    def run(*inputs: Array | tf.Tensor) -> Any:
        given: Any = list(inputs) if len(inputs) > 1 else inputs[0]
        if structure is not None:
            import keras

            given = keras.tree.pack_sequence_as(structure, list(inputs))
        return flat_outputs(model(given, training=False))

    return run


def _arrays(outputs: list[tf.Tensor]) -> list[Array]:
    return [np.asarray(array) for array in outputs]


def _largest_difference(trusted: list[Array], outputs: list[Array]) -> float:
    """Return the largest difference, relative to the largest value of each trusted array."""
    differences = [0.0]
    for a, b in zip(trusted, outputs, strict=True):
        left, right = a.astype(np.float64), b.astype(np.float64)
        largest = max(1e-12, float(np.abs(np.nan_to_num(left)).max()))
        apart = np.where(np.isnan(left) & np.isnan(right), 0.0, np.abs(left - right))
        differences.append(float(apart.max()) / largest)
    return float(np.max(differences))  # NaN if any is: `max` would drop it


def _noise(tensor: KerasTensor, random: np.random.Generator) -> Array:
    """Return four samples for an input: in 0..1 and exact in 16 bits, one padded with 0; or 0 and 1 for other types."""
    shape = (4, *(int(size) for size in tensor.shape[1:]))
    if tensor.dtype.is_integer or tensor.dtype.is_bool:
        return random.integers(0, 2, shape).astype(tensor.dtype.as_numpy_dtype)
    values = (random.integers(0, 128, shape) / np.float32(128)).astype(np.float32)
    if len(shape) > 2:
        values[-1, shape[1] // 2 :] = 0.0  # a sequence that is padded, for masks
    return values


def flat_outputs(value: object) -> list[Any]:
    """Return the arrays of nested outputs; a dictionary's in its own order."""
    if not isinstance(value, dict | list | tuple):
        return [value]
    return [array for item in listed(value) for array in flat_outputs(item)]
