"""Whether a source model's answers are believable: models here are plain functions of NumPy."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from types import SimpleNamespace

import numpy as np
import pytest

from edgetool.data.dataset import Array, Split
from edgetool.data.preprocess import Preprocessing
from edgetool.errors import SourceModelError
from edgetool.pipeline.source_check import SourceProbe, require_as_recorded, require_believable, rescales
from edgetool.records import EvaluationRecord
from edgetool.tasks import Task

NUM = 300
CLASSES = Task("classification", "accuracy", "sparse_categorical_crossentropy", False)
RNG = np.random.default_rng(0)
#: Pixels 0..255 in four regions; the brightest region is the class.
LABELS = RNG.integers(0, 4, NUM)
PIXELS = RNG.uniform(0.0, 120.0, (NUM, 4)).astype(np.float32)
PIXELS[np.arange(NUM), LABELS] += 130.0


def trained_on_unit_range(inputs: tuple[Array, ...]) -> tuple[Array, ...]:
    """Answer right for inputs 0..1: larger ones saturate all classes alike."""
    return (np.tanh(1.2 * inputs[0]) + 1e-9 * RNG.normal(size=inputs[0].shape),)


def probe(run: Callable[[tuple[Array, ...]], tuple[Array, ...]], **changes: object) -> SourceProbe:
    made = SourceProbe(
        model="m.keras",
        run=run,
        raw=Split("val", (PIXELS,), LABELS),
        preprocessing=Preprocessing(),
        channels_first=(),
        task=CLASSES,
        rescales=False,
    )
    return dataclasses.replace(made, **changes)  # type: ignore[arg-type]


def test_a_forgotten_scale_is_named() -> None:
    with pytest.raises(SourceModelError, match=r"give --scale 0\.00392157, or give --accept-source") as caught:
        require_believable(probe(trained_on_unit_range))
    assert "100.0 % right on 300" in caught.value.found
    require_believable(probe(trained_on_unit_range, preprocessing=Preprocessing(scale=1 / 255)))


def test_a_scale_too_many_is_named() -> None:
    def trained_on_pixels(inputs: tuple[Array, ...]) -> tuple[Array, ...]:
        return (np.round(inputs[0] / 8.0) + 1e-9 * RNG.normal(size=inputs[0].shape),)

    with pytest.raises(SourceModelError, match="leave --scale, --mean and --std out"):
        require_believable(probe(trained_on_pixels, preprocessing=Preprocessing(scale=1 / 255)))
    require_believable(probe(trained_on_pixels))


def test_a_model_that_rescales_by_itself_takes_no_scale() -> None:
    scaled = probe(trained_on_unit_range, preprocessing=Preprocessing(scale=1 / 255), rescales=True)
    with pytest.raises(SourceModelError, match="leave --scale out"):
        require_believable(scaled)


def test_a_model_at_chance_is_refused() -> None:
    def untrained(inputs: tuple[Array, ...]) -> tuple[Array, ...]:
        return (np.random.default_rng(1).normal(size=(len(inputs[0]), 4)),)

    def constant(inputs: tuple[Array, ...]) -> tuple[Array, ...]:
        return (np.tile(np.float32([0.1, 0.7, 0.1, 0.1]), (len(inputs[0]), 1)),)

    for run in (untrained, constant):
        with pytest.raises(SourceModelError, match="no better than chance"):
            require_believable(probe(run, preprocessing=Preprocessing(scale=1 / 255)))


def test_weak_but_trained_models_and_few_samples_are_let_through() -> None:
    def weak(inputs: tuple[Array, ...]) -> tuple[Array, ...]:
        generator = np.random.default_rng(2)
        named = np.where(generator.random(NUM) < 0.45, LABELS, generator.integers(0, 4, NUM))
        return (np.eye(4, dtype=np.float32)[named[: len(inputs[0])]],)

    def random_for_few(inputs: tuple[Array, ...]) -> tuple[Array, ...]:
        return (np.random.default_rng(5).normal(size=(len(inputs[0]), 4)),)

    require_believable(probe(weak))
    require_believable(probe(random_for_few, raw=Split("val", (PIXELS[:8],), LABELS[:8])))


def test_labels_that_are_the_models_own_answers_are_right_whatever_they_are() -> None:
    def one_class(inputs: tuple[Array, ...]) -> tuple[Array, ...]:
        return (np.tile(np.float32([1, 0, 0, 0]), (len(inputs[0]), 1)),)

    require_believable(probe(one_class, raw=Split("val", (PIXELS,), np.zeros(NUM, np.int64))))


def test_scores_that_rank_two_rare_classes_are_no_chance() -> None:
    rare = (np.arange(NUM) % 10 == 0).astype(np.int64)

    def never_over_the_threshold(inputs: tuple[Array, ...]) -> tuple[Array, ...]:
        return (0.1 + 0.2 * rare[: len(inputs[0]), None] * np.random.default_rng(3).random((len(inputs[0]), 1)),)

    task = Task("binary", "accuracy", "binary_crossentropy", False)
    require_believable(probe(never_over_the_threshold, task=task, raw=Split("val", (PIXELS,), rare)))


def test_targets_are_compared_by_their_error() -> None:
    targets = PIXELS[:, :1] / 255.0
    task = Task("regression", "mae", "mse", False)

    def first_column(inputs: tuple[Array, ...]) -> tuple[Array, ...]:
        return (inputs[0][:, :1],)

    raw = Split("val", (PIXELS,), targets)
    with pytest.raises(SourceModelError, match="a mean squared error of"):
        require_believable(probe(first_column, raw=raw, task=task))
    require_believable(probe(first_column, raw=raw, task=task, preprocessing=Preprocessing(scale=1 / 255)))


def test_positions_without_a_label_do_not_count() -> None:
    labels = np.stack([LABELS, np.full(NUM, -1)], axis=1)

    def right_where_it_counts(inputs: tuple[Array, ...]) -> tuple[Array, ...]:
        scores = np.zeros((len(inputs[0]), 2, 4), np.float32)
        scores[np.arange(len(inputs[0])), 0, LABELS[: len(inputs[0])]] = 1.0
        return (scores,)

    require_believable(probe(right_where_it_counts, raw=Split("val", (PIXELS,), labels)))


def record(value: float, metric: str = "accuracy") -> EvaluationRecord:
    return EvaluationRecord("val", 100, metric, value, 0.01, "binomial", "keras")


def test_a_metric_far_below_the_recorded_one_is_refused_with_both_numbers() -> None:
    with pytest.raises(SourceModelError, match=r"validation accuracy 0\.61, expected about 0\.97"):
        require_as_recorded("m.keras", record(0.61), record(0.97))
    with pytest.raises(SourceModelError, match=r"validation mae 2"):
        require_as_recorded("m.keras", record(2.0, "mae"), record(1.0, "mae"))


def test_the_record_is_compared_on_the_samples_and_the_likely_scaling_is_named_first() -> None:
    def half_right(inputs: tuple[Array, ...]) -> tuple[Array, ...]:
        named = np.where(np.arange(len(inputs[0])) % 2 == 0, LABELS[: len(inputs[0])], 0)
        return (np.eye(4, dtype=np.float32)[named],)

    with pytest.raises(SourceModelError, match=r"which train\.json beside it records"):
        require_believable(probe(half_right), record(0.97))
    require_believable(probe(half_right), record(0.6))
    with pytest.raises(SourceModelError, match="give --scale"):
        require_believable(probe(trained_on_unit_range), record(0.97))


@pytest.mark.parametrize(
    ("measured", "recorded"),
    [(record(0.94), record(0.97)), (record(0.99), record(0.9)), (record(0.1), record(9.0, "mae"))],
)
def test_noise_better_models_and_other_metrics_are_let_through(
    measured: EvaluationRecord, recorded: EvaluationRecord
) -> None:
    require_as_recorded("m.keras", measured, recorded)


def test_codes_are_never_scaled_to_try_them() -> None:
    """A table has no row -1: the model would fail, not answer badly."""

    def by_code(inputs: tuple[Array, ...]) -> tuple[Array, ...]:
        assert inputs[0].dtype == np.int32 and inputs[0].min() >= 0
        return (np.eye(4, dtype=np.float32)[inputs[0][:, 0] % 4],)

    codes = LABELS[:, None] + 4
    require_believable(probe(by_code, raw=Split("val", (codes,), LABELS), dtypes=("int32",)))
    both = Split("val", (codes, PIXELS), LABELS)
    require_believable(probe(by_code, raw=both, dtypes=("int32", "float32")))


def test_a_rescaling_layer_at_the_input_is_seen() -> None:
    class Rescaling:
        def __init__(self, scale: float) -> None:
            self.scale = scale

    class InputLayer:
        pass

    def model(*layers: object) -> SimpleNamespace:
        return SimpleNamespace(layers=layers)

    assert rescales(model(InputLayer(), Rescaling(1 / 255)))
    assert not rescales(model(InputLayer(), Rescaling(2.0)))
    assert not rescales(model(InputLayer())) and not rescales(object())
