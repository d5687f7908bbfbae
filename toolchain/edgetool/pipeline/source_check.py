"""Whether the source model's own answers are believable, before anything is compressed.

A model that answers at chance, or far below what is recorded beside it, is most often fed in another way than it was
trained. Other scalings of the same samples are tried, so that the cause can be named.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edgetool.data.dataset import Array, Split
from edgetool.data.layout import move_split
from edgetool.data.preprocess import Preprocessing, apply_split
from edgetool.errors import SourceModelError
from edgetool.evaluate.evaluate import evaluate_outputs
from edgetool.evaluate.metrics import answers
from edgetool.records import EvaluationRecord
from edgetool.tasks import Task, drop_points

__all__ = [
    "LARGE_SAMPLE",
    "NUM_LARGE_PROBES",
    "NUM_PROBES",
    "SourceProbe",
    "require_as_recorded",
    "require_believable",
    "rescales",
]

#: Samples that other scalings are tried on, at most.
NUM_PROBES = 512
#: Models whose samples have more values than this are tried on fewer.
LARGE_SAMPLE = 60_000
NUM_LARGE_PROBES = 128
#: Another scaling must be right on this share of samples more, by so many standard errors.
MIN_GAIN = 0.05
MIN_Z = 3.3
#: A model is at chance where its agreement beyond chance (kappa) is surely below this, and not surely above 0.
LOW_KAPPA = 0.25
#: Standard errors of "surely".
SURE = 2.0
#: A validation metric may differ from the recorded one by this many points (percent for errors).
RECORDED_POINTS = {True: 5.0, False: 25.0}

#: Factors below this scale pixels down.
DOWN = 0.1

Run = Callable[[tuple[Array, ...]], tuple[Array, ...]]
Quality = npt.NDArray[np.float64]

GO_ON = "or give --accept-source to go on all the same"


@dataclass(frozen=True, slots=True)
class SourceProbe:
    """What the check looks at.

    Attributes:
        model: the source, for messages.
        run: its own outputs.
        raw: validation samples with labels, as loaded.
        preprocessing: as it was asked for.
        channels_first: inputs whose channels the model takes behind the batch.
        rescales: the model begins with a layer that scales inputs down by itself.
        task: what the outputs are.
        dtypes: what the model takes for each input; empty: floating-point.
    """

    model: str
    run: Run
    raw: Split
    preprocessing: Preprocessing
    channels_first: tuple[int, ...]
    rescales: bool
    task: Task
    dtypes: tuple[str, ...] = ()

    def outputs(self, preprocessing: Preprocessing) -> Array:
        """Return the first output for the samples, scaled by `preprocessing`."""
        inputs = move_split(apply_split(self.raw, preprocessing, self.dtypes), self.channels_first).inputs
        return np.asarray(self.run(inputs)[0])

    def quality(self, preprocessing: Preprocessing) -> Quality | None:
        """Return, for each answer, 1 where it is right, or minus its squared error; None where that means nothing."""
        labels = self.raw.labels
        if labels is None:
            return None
        outputs = self.outputs(preprocessing)
        if not np.isfinite(outputs).all():
            return np.full(len(outputs), -np.inf, np.float64)
        if self.task.has_classes:
            named, true = _named_and_true(outputs, labels)
            return np.asarray(named == true, np.float64)
        if outputs.size != labels.size:
            return None
        errors = outputs.reshape(len(labels), -1) - labels.reshape(len(labels), -1)
        mean_squares: Quality = np.square(errors.astype(np.float64)).mean(axis=1)
        return -mean_squares


def require_believable(probe: SourceProbe, recorded: EvaluationRecord | None = None) -> None:
    """Refuse a source model whose answers another scaling makes much better, or that answers at chance.

    Args:
        probe: what is looked at.
        recorded: validation metric that training wrote beside the model; it may not be far better.

    Raises:
        SourceModelError: names the likely cause and the option that mends it.
    """
    if probe.rescales and abs(probe.preprocessing.scale) < DOWN:
        raise SourceModelError(
            probe.model,
            found=f"a layer that scales inputs by itself, and --scale {probe.preprocessing.scale:g} before it",
            expected="inputs that are scaled once",
            next_step=f"leave --scale out, {GO_ON}",
        )
    asked = probe.quality(probe.preprocessing)
    if asked is None:
        return
    for option, other in _other_scalings(probe):
        quality = probe.quality(other)
        if quality is not None and _is_much_better(quality, asked, probe.task):
            raise SourceModelError(
                probe.model,
                found=f"{_in_words(asked, probe)} with inputs as {probe.preprocessing.describe()}, "
                f"and {_in_words(quality, probe)} as {other.describe()}",
                expected="inputs scaled as in training",
                next_step=f"{option}, {GO_ON}",
            )
    if recorded is not None and recorded.metric == probe.task.metric:
        outputs = (probe.outputs(probe.preprocessing),)
        measured = evaluate_outputs(
            outputs, probe.raw, metric=probe.task.metric, task=probe.task.name, runtime="source"
        )
        require_as_recorded(probe.model, measured, recorded)
    if probe.task.has_classes and _is_at_chance(probe):
        raise SourceModelError(
            probe.model,
            found=f"{_in_words(asked, probe)}, which is no better than chance",
            expected="a trained model and the data that it was trained for",
            next_step="check that classes are numbered as in training and that inputs are scaled as in training "
            f"(--scale, --mean, --std), {GO_ON}",
        )


def require_as_recorded(model: str, measured: EvaluationRecord, recorded: EvaluationRecord) -> None:
    """Refuse a source model that is far below the validation metric that its training wrote beside it.

    Raises:
        SourceModelError: both numbers.
    """
    if measured.metric != recorded.metric:
        return
    drop = drop_points(recorded.metric, recorded.value, measured.value)
    scale = drop_points(recorded.metric, recorded.value, recorded.value - measured.standard_error)
    noise = SURE * math.hypot(abs(scale), abs(scale))
    limit = RECORDED_POINTS[recorded.metric in ("accuracy", "auc", "top5", "r2")]
    if drop > limit + noise:
        raise SourceModelError(
            model,
            found=f"validation {measured.metric} {measured.value:.4g}",
            expected=f"about {recorded.value:.4g}, which train.json beside it records",
            next_step=f"give the data and the preprocessing that it was trained with, {GO_ON}",
        )


def rescales(model: object) -> bool:
    """Tell whether a Keras model begins with a Rescaling layer that makes inputs smaller."""
    layers = getattr(model, "layers", ())
    first = next((layer for layer in layers if type(layer).__name__ != "InputLayer"), None)
    if first is None or type(first).__name__ != "Rescaling":
        return False
    return bool(np.abs(np.asarray(first.scale)).max() < DOWN)


def _other_scalings(probe: SourceProbe) -> list[tuple[str, Preprocessing]]:
    """Return other scalings that people use, with the option that asks for each."""
    asked = probe.preprocessing
    plain = dataclasses.replace(asked, scale=1.0, mean=(0.0,), std=(1.0,))
    found: list[tuple[str, Preprocessing]] = []
    if asked != plain:
        found.append(("leave --scale, --mean and --std out", plain))
    measured = _measured(probe)
    if not measured or not np.issubdtype(np.dtype(asked.dtype), np.floating):
        return found
    largest = max(float(np.abs(array).max(initial=0.0)) for array in measured)
    for top in dict.fromkeys((255.0, largest)):
        if not 2.0 < largest <= top:
            continue
        factor = float(f"{1.0 / top:.6g}")
        found.append((f"give --scale {factor:g}", dataclasses.replace(plain, scale=factor)))
        centred = dataclasses.replace(plain, scale=factor, mean=(0.5,), std=(0.5,))
        found.append((f"give --scale {factor:g} --mean 0.5 --std 0.5", centred))
    return [(option, other) for option, other in found if other != asked]


def _measured(probe: SourceProbe) -> list[Array]:
    """Return the inputs that can be scaled: those that the model does not take as integers."""
    arrays = probe.raw.inputs
    if not probe.dtypes:
        return list(arrays)
    return [x for x, dtype in zip(arrays, probe.dtypes, strict=True) if np.issubdtype(np.dtype(dtype), np.floating)]


def _is_much_better(quality: Quality, asked: Quality, task: Task) -> bool:
    """Tell whether one scaling is surely and by far better than another on the same samples."""
    difference = quality - asked
    if not np.isfinite(quality).all():
        return False
    if not np.isfinite(asked).all():
        return True
    gain = float(difference.mean())
    error = float(difference.std()) / math.sqrt(len(difference))
    if gain <= 0.0 or gain < MIN_Z * error:
        return False
    return gain >= MIN_GAIN if task.has_classes else -quality.mean() < 0.5 * -asked.mean()


def _is_at_chance(probe: SourceProbe) -> bool:
    """Tell whether answers agree with labels no more than independent ones would (Cohen's kappa, 1960)."""
    labels = probe.raw.labels
    assert labels is not None
    named, true = _named_and_true(probe.outputs(probe.preprocessing), labels)
    classes = np.union1d(named, true)
    shares = [(float((named == c).mean()), float((true == c).mean())) for c in classes]
    by_chance = sum(p * q for p, q in shares)
    observed = float((named == true).mean())
    if by_chance >= 1.0 - 1e-9:  # one class alone, and it is always named
        return False
    kappa = (observed - by_chance) / (1.0 - by_chance)
    error = math.sqrt(max(observed * (1.0 - observed), by_chance * (1.0 - by_chance)) / len(true)) / (1.0 - by_chance)
    return kappa < SURE * error and kappa + SURE * error < LOW_KAPPA and not _ranks_well(probe, true)


def _ranks_well(probe: SourceProbe, true: Array) -> bool:
    """Tell whether scores of a model of two classes rank samples, although its threshold never parts them."""
    outputs = probe.outputs(probe.preprocessing).reshape(len(true), -1)
    if outputs.shape[1] > 2 or len(np.unique(true)) != 2:
        return False
    scores = outputs[:, -1]
    order = np.empty(len(scores))
    order[np.argsort(scores, kind="stable")] = np.arange(1, len(scores) + 1)
    positives = true == true.max()
    num_positive, num_negative = int(positives.sum()), int((~positives).sum())
    auc = (order[positives].sum() - num_positive * (num_positive + 1) / 2) / (num_positive * num_negative)
    error = math.sqrt((num_positive + num_negative + 1) / (12.0 * num_positive * num_negative))
    return bool(auc - 0.5 > SURE * error)


def _named_and_true(outputs: Array, labels: Array) -> tuple[Array, Array]:
    """Return the class that each answer names and the true one, flat; answers whose label is below 0 are left out."""
    one_hot = labels.ndim == outputs.ndim and labels.shape[-1] == outputs.shape[-1] > 1
    true = labels.argmax(axis=-1) if one_hot else labels
    width = outputs.shape[-1] if outputs.ndim > 1 else 1
    named = answers(outputs.reshape(-1, width))
    flat = np.asarray(true).reshape(-1)
    if len(flat) != len(named):  # one label a sample, several answers: the last axis alone is not the classes
        named = answers(outputs.reshape(len(flat), -1))
    counted = flat >= 0
    return named[counted], flat[counted].astype(np.int64)


def _in_words(quality: Quality, probe: SourceProbe) -> str:
    if probe.task.has_classes:
        return f"{quality.mean() * 100:.1f} % right on {len(quality):,} validation answers"
    return f"a mean squared error of {-quality.mean():.4g} on {len(quality):,} validation samples"
