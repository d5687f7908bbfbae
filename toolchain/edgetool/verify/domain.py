"""Generated inputs in the domain of a source model, where there are no data.

What a model expects is in its first layers: a Rescaling of 1/255 stands for bytes, a Normalization for values about its
mean, an Embedding for the rows of its table. Other real inputs are normal, as `edgetool.verify.inputs` has it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from edgetool.data.dataset import Array, Split
from edgetool.importers.base import ImportedModel
from edgetool.verify.inputs import InputFacts, VerifyInputs, random_inputs

if TYPE_CHECKING:
    import tf_keras

__all__ = ["generate_inputs", "input_facts"]

#: Smallest and largest real value; None where nothing is known.
Range = tuple[float | None, float | None]

_LOOKUPS = ("Embedding", "ReversibleEmbedding")


def input_facts(imported: ImportedModel, stated: Mapping[str, Range] = MappingProxyType({})) -> tuple[InputFacts, ...]:
    """Return what is known of each input of a source model.

    Args:
        imported: the model.
        stated: input name -> range, where the source is a finished graph whose operators say so.
    """
    facts = []
    for index, spec in enumerate(imported.inputs):
        low, high = stated.get(spec.name) or _keras_range(imported.model, index)
        facts.append(InputFacts(spec.name, spec.shape, spec.dtype, low, high))
    return tuple(facts)


def generate_inputs(
    imported: ImportedModel, num_samples: int, *, seed: int, stated: Mapping[str, Range] = MappingProxyType({})
) -> VerifyInputs:
    """Make seeded samples that a source model can take.

    Args:
        imported: the model.
        num_samples: how many.
        seed: of the random numbers.
        stated: see `input_facts`.

    Raises:
        DataError: an input whose size the model does not state.
    """
    facts = input_facts(imported, stated)
    generated = random_inputs(facts, facts, num_samples, seed=seed)
    random = np.random.default_rng(seed)
    arrays, adapted = list(generated.split.inputs), []
    for index, array in enumerate(arrays):
        layer = next((layer for layer in _readers(imported.model, index) if _kind(layer) == "Normalization"), None)
        if layer is not None:
            arrays[index] = _about(layer, array, random)
            adapted.append(facts[index].name)
    words = generated.description
    if adapted:
        words = f"{num_samples} random samples, seed {seed}, about the mean that {', '.join(adapted)} is normalised by"
    return VerifyInputs(Split("random", tuple(arrays)), words, is_noise=True)


def _about(layer: tf_keras.layers.Layer, array: Array, random: np.random.Generator) -> Array:
    """Return samples of the distribution that a Normalization layer was adapted to."""
    mean = np.asarray(layer.mean, np.float64)
    deviation = np.sqrt(np.asarray(layer.variance, np.float64))
    return np.asarray(mean + deviation * random.normal(size=array.shape), np.float32)


def _keras_range(model: object, index: int) -> Range:
    """Return the real range that the first layers of a Keras model imply for an input; None where they say nothing."""
    for layer in _readers(model, index):
        if _kind(layer) in _LOOKUPS:
            return 0.0, float(layer.input_dim - 1)
        if _kind(layer) == "Rescaling":
            found = _rescaled_range(layer)
            if found is not None:
                return found
    return None, None


def _rescaled_range(layer: tf_keras.layers.Layer) -> tuple[float, float] | None:
    """Return the range that a Rescaling turns into 0..1, or into -1..1 where it subtracts."""
    scale, offset = np.asarray(layer.scale, np.float64), np.asarray(layer.offset, np.float64)
    if scale.size != 1 or offset.size != 1 or float(scale.ravel()[0]) == 0.0:
        return None
    factor, shift = float(scale.ravel()[0]), float(offset.ravel()[0])
    ends = sorted(((-1.0 if shift < 0.0 else 0.0) - shift, 1.0 - shift))
    low, high = sorted(end / factor for end in ends)
    return (low, high) if low < high else None


def _readers(model: object, index: int) -> Iterator[tf_keras.layers.Layer]:
    """Yield the layers of a Keras model that read its input number `index`; none of other models."""
    inputs = getattr(model, "inputs", ())
    for layer in getattr(model, "layers", ()):
        nodes = getattr(layer, "inbound_nodes", ())
        if any(tensor is inputs[index] for node in nodes for tensor in _tensors(node)):
            yield layer


def _tensors(node: object) -> list[object]:
    found = getattr(node, "input_tensors", ())
    return list(found) if isinstance(found, list | tuple) else [found]


def _kind(layer: object) -> str:
    return type(layer).__name__
