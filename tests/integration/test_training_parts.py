"""Parts of training against Keras and TensorFlow themselves: batches, losses, checkpoints, event files."""

from __future__ import annotations

import os

os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgetool.data.dataset import Split
from edgetool.data.preprocess import Preprocessing
from edgetool.errors import TrainingError, UsageError
from edgetool.tasks import Task
from edgetool.training.record import EpochRecord
from edgetool.training.tensorboard import TrainingLog
from edgetool.zoo import TrainingRecipe

keras = pytest.importorskip("keras")

from edgetool.training.batches import Batches, TrainingBatches  # noqa: E402 - needs the backend's name in the environment
from edgetool.training.checkpoint import read_checkpoint, write_checkpoint  # noqa: E402
from edgetool.training.losses import make_accuracy, make_loss  # noqa: E402
from edgetool.training.optimizer import learning_rate_at, make_optimizer  # noqa: E402

CLASSES = Task("classification", "accuracy", "sparse_categorical_crossentropy", False)
POSITIONS = Task("language_model", "nats", "sparse_categorical_crossentropy", True, per_position=True)
BINARY = Task("binary", "auc", "binary_crossentropy", True)
RECONSTRUCTION = Task("reconstruction", "mse", "mse", False)
HALVED = Preprocessing(scale=0.5)
TOKENS = Preprocessing(dtype="int32")
X = np.arange(20, dtype=np.float32).reshape(10, 2)


def split(labels: Any = None, inputs: tuple[Any, ...] = (X,)) -> Split:
    return Split("train", inputs, labels)


def test_batches_are_preprocessed_in_order_and_whole() -> None:
    batches = Batches(split(np.arange(10) % 3), HALVED, CLASSES, 4)
    assert [len(batches[index][0]) for index in range(len(batches))] == [4, 4, 2]
    np.testing.assert_array_equal(np.concatenate([batches[i][0] for i in range(3)]), X * 0.5)
    np.testing.assert_array_equal(np.concatenate([batches[i][1] for i in range(3)]), np.arange(10) % 3)
    assert all(len(batches[index]) == 2 for index in range(3))


def test_one_hot_labels_become_class_numbers() -> None:
    batches = Batches(split(np.eye(3)[np.arange(10) % 3]), HALVED, CLASSES, 10)
    np.testing.assert_array_equal(batches[0][1], np.arange(10) % 3)


def test_positions_below_zero_weigh_nothing_and_every_batch_has_weights() -> None:
    labels = np.array([[1, -1], [0, 1], [1, 0], [2, 2]])
    batches = Batches(split(labels, (np.ones((4, 2), np.int64),)), TOKENS, POSITIONS, 2)
    features, targets, weights = batches[0]
    assert features.dtype == np.int32
    np.testing.assert_array_equal(targets, [[1, 0], [0, 1]])
    np.testing.assert_allclose(weights, [[4 / 3, 0], [4 / 3, 4 / 3]], rtol=1e-6)
    np.testing.assert_array_equal(batches[1][2], np.ones((2, 2)))


def test_batches_for_several_devices_are_filled_up_with_what_weighs_nothing() -> None:
    batches = Batches(split(np.arange(10) % 3), HALVED, CLASSES, 8, multiple_of=4)
    features, targets, weights = batches[1]
    np.testing.assert_array_equal(features[:2], X[8:] * 0.5)
    assert len(features) == len(targets) == 4
    np.testing.assert_array_equal(weights, [2, 2, 0, 0])  # the mean over four is that of the two
    labels = np.array([[1, -1], [0, 1], [1, -1]])
    _, _, weights = Batches(split(labels, (np.ones((3, 2)),)), TOKENS, POSITIONS, 4, multiple_of=2)[0]
    assert weights.mean() == pytest.approx(1.0) and (weights[3] == 0).all()


def test_training_batches_follow_the_order_and_the_classes_weights() -> None:
    order = np.array([9, 1, 0, 2, 3, 4, 5, 6, 7, 8])
    weights = np.array([0.5, 1.0, 2.0], np.float32)
    batches = TrainingBatches(split(np.arange(10) % 3), HALVED, CLASSES, 4, order=order, class_weights=weights)
    features, targets, found = batches[0]
    np.testing.assert_array_equal(features, X[order[:4]] * 0.5)
    np.testing.assert_array_equal(found, weights[targets])
    padded = TrainingBatches(split(np.arange(10) % 3), HALVED, CLASSES, 4, order=order, multiple_of=4)
    np.testing.assert_array_equal(padded[2][0], X[[7, 8, 9, 1]] * 0.5)


def test_augmentation_changes_with_epoch_and_batch_and_is_repeated_by_the_seed() -> None:
    def features(seed: tuple[int, ...], index: int) -> Any:
        made = TrainingBatches(
            split(np.zeros(10, int)), HALVED, CLASSES, 5, order=np.arange(10), augmentation=("noise",), seed=seed
        )
        return made[index][0]

    np.testing.assert_array_equal(features((0, 1), 0), features((0, 1), 0))
    assert not np.array_equal(features((0, 1), 0), features((0, 2), 0))
    first, second = features((0, 1), 0) - X[:5] * 0.5, features((0, 1), 1) - X[5:] * 0.5
    assert np.abs(first - second).max() > 0.01


def test_a_reconstruction_has_its_augmented_input_as_target_and_other_inputs_stay() -> None:
    images = np.random.default_rng(0).random((6, 4, 4, 1), dtype=np.float32)
    made = TrainingBatches(
        split(None, (images,)), HALVED, RECONSTRUCTION, 6, order=np.arange(6), augmentation=("flip",)
    )
    features, targets = made[0]
    assert features is targets and not np.array_equal(features, images * 0.5)
    two = TrainingBatches(
        split(np.zeros(10, int), (X, X)), HALVED, CLASSES, 10, order=np.arange(10), augmentation=("noise",)
    )
    (first, second), _ = two[0]
    assert not np.array_equal(first, second)
    np.testing.assert_array_equal(second, X * 0.5)


@pytest.mark.parametrize("from_logits", [True, False])
def test_smoothed_labels_are_kerass_smoothed_one_hot_vectors(from_logits: bool) -> None:
    random = np.random.default_rng(0)
    logits = random.normal(size=(5, 7, 4)).astype(np.float32)
    outputs = logits if from_logits else np.asarray(keras.ops.softmax(logits))
    labels = random.integers(4, size=(5, 7))
    weights = random.random((5, 7)).astype(np.float32)
    task = Task("language_model", "nats", "sparse_categorical_crossentropy", from_logits, per_position=True)
    trusted = keras.losses.CategoricalCrossentropy(from_logits=from_logits, label_smoothing=0.2)
    expected = float(trusted(np.eye(4, dtype=np.float32)[labels], outputs, sample_weight=weights))
    assert float(make_loss(task, 0.2)(labels, outputs, sample_weight=weights)) == pytest.approx(expected, rel=1e-5)


def test_smoothing_without_classes_is_refused() -> None:
    with pytest.raises(UsageError, match=r"label smoothing: 0\.1 for reconstruction"):
        make_loss(RECONSTRUCTION, 0.1)


def test_the_accuracy_of_a_logit_is_taken_at_zero() -> None:
    (metric,) = make_accuracy(BINARY)
    metric.update_state(np.array([[1.0], [0.0]]), np.array([[0.2], [0.3]]))
    assert float(metric.result()) == 0.5
    assert make_accuracy(RECONSTRUCTION) == []


@pytest.mark.parametrize("schedule", ["constant", "cosine"])
def test_the_optimizers_schedule_is_the_stated_one(schedule: Any) -> None:
    recipe = TrainingRecipe(learning_rate=0.01, epochs=3, schedule=schedule, warmup_epochs=1)
    model = _model()
    rate = make_optimizer(recipe, model, 5)._learning_rate
    for step in range(15):
        assert float(rate(step)) == pytest.approx(learning_rate_at(recipe, step, 5), abs=1e-8)


@pytest.mark.parametrize("name", ["adam", "adamw", "sgd", "rmsprop"])
def test_weight_decay_shrinks_kernels_alone(name: str) -> None:
    recipe = TrainingRecipe(optimizer=name, learning_rate=0.1, weight_decay=0.5)
    model = _model()
    for variable in model.trainable_variables:
        variable.assign(np.ones(variable.shape, np.float32))
    optimizer = make_optimizer(recipe, model, 5)
    optimizer.apply([keras.ops.zeros(v.shape) for v in model.trainable_variables], model.trainable_variables)
    for variable in model.trainable_variables:
        decayed = variable.name == "kernel"
        np.testing.assert_allclose(np.asarray(variable), 0.95 if decayed else 1.0, err_msg=variable.path)
    assert {variable.name for variable in model.trainable_variables} >= {"kernel", "bias", "gamma"}


def test_without_decay_or_schedule_the_optimizer_is_kerass_own() -> None:
    optimizer = make_optimizer(TrainingRecipe(), _model(), 5)
    assert {**optimizer.get_config(), "name": ""} == {**keras.optimizers.Adam(0.001).get_config(), "name": ""}


def test_a_checkpoint_gives_back_every_variable(tmp_path: Path) -> None:
    first, second = _model(seed=1), _model(seed=2)
    write_checkpoint(tmp_path / "a.npz", first.variables)
    read_checkpoint(tmp_path / "a.npz", second.variables)
    for a, b in zip(first.variables, second.variables, strict=True):
        np.testing.assert_array_equal(np.asarray(a), np.asarray(b))


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({"units": 5}, r"it has dense/kernel \[3, 4\] \(\d+ variables\), expected dense/kernel \[3, 5\]"),
        ({"norm": False}, r"it has norm/gamma \[4\].*expected out/kernel"),
    ],
)
def test_a_checkpoint_of_another_architecture_changes_nothing(
    tmp_path: Path, other: dict[str, Any], message: str
) -> None:
    write_checkpoint(tmp_path / "a.npz", _model().variables)
    model = _model(**other)
    before = [np.asarray(variable).copy() for variable in model.variables]
    with pytest.raises(TrainingError, match=f"another architecture: {message}"):
        read_checkpoint(tmp_path / "a.npz", model.variables)
    for variable, value in zip(model.variables, before, strict=True):
        np.testing.assert_array_equal(np.asarray(variable), value)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 and no more", b"\x93NUMPY"])
def test_a_damaged_checkpoint_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.npz").write_bytes(content)
    with pytest.raises(TrainingError, match="cannot be read"):
        read_checkpoint(tmp_path / "a.npz", _model().variables)


def test_tensorflow_reads_the_event_files(tmp_path: Path) -> None:
    import tensorflow as tf

    log = TrainingLog(tmp_path / "logs", (), lambda number: 0.5**number)
    for number in (1, 2, 300):
        log.add(EpochRecord(number, 1.0 / number, 0.25, 0.75, 0.5, 2.0))
    found: dict[str, list[tuple[int, str, float]]] = {}
    for run in ("train", "validation"):
        (path,) = (tmp_path / "logs" / run).iterdir()
        events = list(tf.compat.v1.train.summary_iterator(str(path)))
        assert events[0].file_version == "brain.Event:2"
        found[run] = [(e.step, v.tag, v.simple_value) for e in events[1:] for v in e.summary.value]
        times = [event.wall_time for event in events]
        assert times == sorted(times) and times[0] > 1.7e9
    assert found["train"] == [
        (number, tag, pytest.approx(value))
        for number in (1, 2, 300)
        for tag, value in (
            ("epoch_loss", 1 / number),
            ("epoch_accuracy", 0.25),
            ("epoch_learning_rate", 0.5**number),
        )
    ]
    assert found["validation"][:2] == [(1, "epoch_loss", 0.75), (1, "epoch_accuracy", 0.5)]
    assert len(found["validation"]) == 6


def _model(*, units: int = 4, norm: bool = True, seed: int = 0) -> Any:
    keras.utils.set_random_seed(seed)
    inputs = keras.Input((3,), name="x")
    x = keras.layers.Dense(units, name="dense")(inputs)
    x = keras.layers.BatchNormalization(name="norm")(x) if norm else x
    return keras.Model(inputs, keras.layers.Dense(2, name="out")(x))
