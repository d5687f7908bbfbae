"""Set the activation ranges of a quantise-aware model by calibration, before it is trained.

TF-MOT starts every range at -6..6 and moves it by a thousandth of the way each step, so that a few epochs on a small
data set end with ranges far from what the activations need. Here each quantiser starts with the smallest and largest
value that it sees in calibration samples.
"""

from __future__ import annotations

from typing import Any

from edgetool.data.dataset import Split
from edgetool.passes.layers import walk

__all__ = ["calibrate_ranges"]

NUM_SAMPLES = 256

#: `tfmot...quantizers.MovingAverageQuantizer`: range += RATE * (batch - range).
RATE = 1.0 - 0.999


def calibrate_ranges(model: Any, samples: Split) -> int:
    """Set the ranges of every activation quantiser of `model` in place.

    A range of zero, moved once by a batch, is that batch's extreme times `RATE`; so each layer is called once to learn
    a range, and once more to give the layers behind it quantised inputs. A layer with ranges before and behind its
    activation learns one after the other: behind a range of zero there is nothing to learn. The ranges of its weights,
    which TF-MOT takes from the weights in every training step, stay as the call leaves them: at their -6..6 a kernel
    has few steps.

    Args:
        model: quantise-wrapped tf_keras model.
        samples: of the training split; at most `NUM_SAMPLES` are used.

    Returns:
        How many quantisers were set.
    """
    count = 0

    def call(layer: Any, given: Any, arguments: dict[str, Any]) -> Any:
        nonlocal count
        own = _weight_ranges(layer)
        for ranges in _activation_ranges(layer, own):
            before = [(v, v.numpy()) for v in layer.weights if id(v) not in own]
            for variable in ranges:
                variable.assign(0.0 * variable)
            _call(layer, given, arguments, training=True)
            learned = {id(variable): variable.numpy() / _rate(layer) for variable in ranges}
            for variable, value in before:
                variable.assign(learned.get(id(variable), value))  # batch normalisation has moved, too: put it back
            count += len(ranges) // 2
        return _call(layer, given, arguments, training=False)

    walk(model, samples.take(NUM_SAMPLES, seed=0).inputs, call)
    return count


def _rate(layer: Any) -> float:
    """Return how far one batch moves a range: quantisers of inputs take the extremes of all batches as they are."""
    return 1.0 if type(getattr(layer, "quantizer", None)).__name__ == "AllValuesQuantizer" else RATE


def _weight_ranges(layer: Any) -> set[int]:
    """Return the ids of the ranges of a layer's weights."""
    return {id(item) for _, _, ranges in getattr(layer, "_weight_vars", []) for item in ranges.values()}


def _activation_ranges(layer: Any, own: set[int]) -> list[list[Any]]:
    """Return the ranges in the order they are met: in front of the activation, behind it, at the layer's end.

    Args:
        layer: wrapped or not.
        own: ids of its weights' ranges, which are none.
    """
    found: tuple[list[Any], list[Any], list[Any]] = ([], [], [])
    for variable in layer.non_trainable_weights:
        name = str(variable.name).rpartition("/")[2]
        if id(variable) not in own and name.endswith(("_min:0", "_max:0")):
            stage = 0 if name.startswith("pre_activation") else 1 if name.startswith("post_activation") else 2
            found[stage].append(variable)
    return [ranges for ranges in found if ranges]


def _call(layer: Any, given: Any, arguments: dict[str, Any], *, training: bool) -> Any:
    try:
        return layer(given, training=training, **arguments)
    except TypeError:
        return layer(given, **arguments)  # plain layers that act the same in training
