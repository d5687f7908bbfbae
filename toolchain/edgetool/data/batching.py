"""How many samples a model is run on at once, so that its activations stay within bounds."""

from __future__ import annotations

import math
from collections.abc import Iterable

__all__ = ["SAMPLES_BYTES", "affordable_samples", "fitting_batch"]

#: What samples to calibrate on may take in float32: 445 images of 224x224, or 54 of 640x640.
SAMPLES_BYTES = 256 << 20

#: What the activations that live at once may take.
BATCH_BYTES = 192 << 20
#: Activations that live at once, in inputs of float32: MobileNetV2 has 9 at 224 x 224, a U-Net of 64 channels 43.
ACTIVATIONS_PER_INPUT = 40


def affordable_samples(shapes: Iterable[tuple[int, ...]], at_most: int) -> int:
    """Return how many samples `SAMPLES_BYTES` hold in float32, 1 to `at_most`.

    Args:
        shapes: The shapes of the model's inputs, batch first.
        at_most: The number of samples if memory does not matter.
    """
    sample = sum(4 * math.prod(shape[1:]) for shape in shapes)
    return max(1, min(at_most, SAMPLES_BYTES // max(sample, 1)))


def fitting_batch(shapes: Iterable[tuple[int, ...]], at_most: int) -> int:
    """Return how many samples fit, 1 to `at_most`; `runners.agent` has the same rule.

    Args:
        shapes: The shapes of the model's inputs, batch first.
        at_most: The number of samples if memory does not matter.
    """
    elements = sum(math.prod(max(1, size) for size in shape[1:]) for shape in shapes)
    return max(1, min(at_most, BATCH_BYTES // max(1, elements * 4 * ACTIVATIONS_PER_INPUT)))
