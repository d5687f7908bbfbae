"""Set the activation ranges of a model that is trained for int8 by calibration, before it is trained.

TF-MOT starts every range at -6..6 and moves it by a thousandth of the way each step, so that a few epochs on a small
data set end with ranges far from what the activations need. Here each quantiser starts with the smallest and largest
value that it sees in calibration samples.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from edgetool.data.dataset import Split
from edgetool.passes.layers import walk

if TYPE_CHECKING:
    import tensorflow as tf
    import tf_keras

__all__ = ["calibrate_ranges", "num_samples_within"]

NUM_SAMPLES = 256

#: Activations of all calibration samples together, in bytes, at most.
MAX_BYTES = 256 * 2**20

#: `tfmot...quantizers.MovingAverageQuantizer`: range += RATE * (batch - range).
RATE = 1.0 - 0.999


def calibrate_ranges(model: tf_keras.Model, samples: Split) -> int:
    """Set the ranges of every activation quantiser of `model` in place.

    A range of zero, moved once by a batch, is that batch's extreme times `RATE`; so each layer is called once to learn
    a range, and once more to give the layers behind it quantised inputs. A layer with ranges before and behind its
    activation learns one after the other: behind a range of zero there is nothing to learn.

    Args:
        model: The model that `fake_quantize` made.
        samples: Samples of the training split. At most `NUM_SAMPLES` are used, and fewer if activations are large.

    Returns:
        How many quantisers were set.
    """
    count = 0

    def call(layer: tf_keras.layers.Layer, given: tuple[object, ...], arguments: dict[str, object]) -> Any:
        nonlocal count
        for ranges in _activation_ranges(layer):
            moving = [(v, v.numpy()) for v in layer.non_trainable_weights]
            for variable in ranges:
                variable.assign(0.0)
            _call(layer, given, arguments, training=True)
            learned = {id(variable): variable.numpy() / RATE for variable in ranges}
            for variable, value in moving:
                variable.assign(learned.get(id(variable), value))  # batch normalisation has moved, too: put it back
            count += len(ranges) // 2
        return _call(layer, given, arguments, training=False)

    walk(model, samples.take(num_samples_within(model, MAX_BYTES), seed=0).inputs, call)
    return count


def num_samples_within(model: tf_keras.Model, num_bytes: int) -> int:
    """Return how many samples at once keep the activations of all layers within `num_bytes`: 1 to `NUM_SAMPLES`."""
    sizes = 0
    for nodes in model._nodes_by_depth.values():
        for node in nodes:
            shapes = node.output_shapes if isinstance(node.output_shapes, list) else [node.output_shapes]
            sizes += sum(4 * math.prod(size or 1 for size in shape[1:]) for shape in shapes if shape)
    return min(NUM_SAMPLES, max(1, num_bytes // max(1, sizes)))


def _activation_ranges(layer: tf_keras.layers.Layer) -> list[list[tf.Variable]]:
    """Return the ranges of a wrapped layer in the order they are met: before the activation, at the layer's end."""
    low_and_high: tuple[list[tf.Variable], list[tf.Variable]] = ([], [])
    for variable in layer.non_trainable_weights:
        place = str(variable.name).rpartition("/")[2]
        if place in ("pre_activation_min:0", "pre_activation_max:0"):
            low_and_high[0].append(variable)
        elif place in ("output_min:0", "output_max:0"):
            low_and_high[1].append(variable)
    return [ranges for ranges in low_and_high if ranges]


def _call(
    layer: tf_keras.layers.Layer, given: tuple[object, ...], arguments: dict[str, object], *, training: bool
) -> Any:
    try:
        return layer(*given, training=training, **arguments)
    except TypeError:
        return layer(*given, **arguments)  # plain layers that act the same in training
