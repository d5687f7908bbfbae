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
    its ranges, and once more to give the layers behind it quantised inputs.

    Args:
        model: quantise-wrapped tf_keras model.
        samples: of the training split; at most `NUM_SAMPLES` are used.

    Returns:
        How many quantisers were set.
    """
    count = 0

    def call(layer: Any, given: Any, arguments: dict[str, Any]) -> Any:
        nonlocal count
        ranges = [weight for weight in layer.non_trainable_weights if _is_activation_range(layer, weight)]
        if not ranges:
            return _call(layer, given, arguments, training=False)
        before = [weight.numpy() for weight in layer.weights]
        for variable in ranges:
            variable.assign(0.0 * variable)
        _call(layer, given, arguments, training=True)
        learned = {id(variable): variable.numpy() / _rate(layer) for variable in ranges}
        for variable, value in zip(layer.weights, before, strict=True):
            variable.assign(learned.get(id(variable), value))  # batch normalisation has moved, too: put it back
        count += len(ranges) // 2
        return _call(layer, given, arguments, training=False)

    walk(model, samples.take(NUM_SAMPLES, seed=0).inputs, call)
    return count


def _rate(layer: Any) -> float:
    """Return how far one batch moves a range: quantisers of inputs take the extremes of all batches as they are."""
    return 1.0 if type(getattr(layer, "quantizer", None)).__name__ == "AllValuesQuantizer" else RATE


def _is_activation_range(layer: Any, variable: Any) -> bool:
    """Tell activation ranges from the weights' own, which follow the weights in every step."""
    name = variable.name.rpartition("/")[2]
    own = {id(item) for _, _, weights in getattr(layer, "_weight_vars", []) for item in weights.values()}
    return name.endswith(("_min:0", "_max:0")) and id(variable) not in own


def _call(layer: Any, given: Any, arguments: dict[str, Any], *, training: bool) -> Any:
    try:
        return layer(given, training=training, **arguments)
    except TypeError:
        return layer(given, **arguments)  # plain layers that act the same in training
