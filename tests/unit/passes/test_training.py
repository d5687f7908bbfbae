"""Steps, batches and projections of fine-tuning; the training itself runs in tests/integration/test_passes.py."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgetool.data.dataset import Dataset, Split
from edgetool.invariants import NumClusters, Sparsity
from edgetool.passes.base import Context, TrainingSettings
from edgetool.passes.training import _batches, _training_split, make_projections, num_steps, step_size


class Variable:
    """A tf.Variable's two methods that NumPy projections use."""

    def __init__(self, values: Any) -> None:
        self.values = np.asarray(values, np.float32)

    def numpy(self) -> Any:
        return self.values.copy()

    def assign(self, values: Any) -> None:
        assert values.shape == self.values.shape and values.dtype == self.values.dtype
        self.values = values.copy()


def context(num_samples: int = 10, **settings: Any) -> Context:
    x = np.arange(num_samples, dtype=np.float32)[:, None]
    train = Split("train", (x,), np.arange(num_samples))
    data = Dataset("d", train, None, None)
    return Context(data, TrainingSettings(batch_size=4, **settings), 7, Path(), lambda what, done, total: None)


@pytest.mark.parametrize(
    ("epochs", "settings", "expected"),
    [
        (1, {}, 3),
        (2, {}, 6),
        (0.5, {}, 2),
        (0.01, {}, 1),
        (2, {"epochs_scale": 0.5}, 3),
        (1, {"max_train_samples": 4}, 1),
    ],
)
def test_steps(epochs: float, settings: dict[str, Any], expected: int) -> None:
    assert num_steps(context(**settings), epochs) == expected


@pytest.mark.parametrize(
    ("effort", "steps", "size"),
    [(1.0, 250, 64), (0.4, 100, 64), (0.2, 100, 32), (0.1, 100, 16), (1e-6, 100, 16)],
)
def test_few_epochs_become_many_steps_of_few_samples(effort: float, steps: int, size: int) -> None:
    settings = TrainingSettings(batch_size=64, epochs_scale=effort)
    given = context(num_samples=64 * 50)
    given = Context(given.dataset, settings, 7, Path(), given.progress)
    assert (num_steps(given, 5, 100), step_size(given, 5, 100)) == (steps, size)
    assert step_size(given, 5) == 64


def test_every_sample_is_seen_once_before_any_is_seen_twice() -> None:
    train = context().dataset.train
    assert train is not None
    seen = np.concatenate(list(_batches(train, 4, 5, seed=7)))
    assert sorted(seen[:10]) == sorted(seen[10:]) == list(range(10))
    assert not np.array_equal(seen[:10], seen[10:]), "each round has an order of its own"
    again = np.concatenate(list(_batches(train, 4, 5, seed=7)))
    other = np.concatenate(list(_batches(train, 4, 5, seed=8)))
    assert np.array_equal(seen, again) and not np.array_equal(seen, other)


def test_a_limit_on_samples_holds_for_every_epoch() -> None:
    limited = context(max_train_samples=5)
    train = _training_split(limited)
    assert train.num_samples == 5
    assert len(np.unique(np.concatenate(list(_batches(train, 4, 6, seed=7))))) == 5


def test_a_cluster_moves_as_one() -> None:
    kernel = Variable([[1, 2], [2, 1]])
    (project,) = make_projections({"a": kernel}, [NumClusters("a", 2, (2, 2))])
    kernel.assign(np.array([[1.5, 2.0], [3.0, 0.5]], np.float32))
    project()
    np.testing.assert_array_equal(kernel.values, [[1.0, 2.5], [2.5, 1.0]])


@pytest.mark.parametrize(("pruned", "expected"), [(True, [[0.0, 2.5], [2.5, 0.0]]), (False, [[1.0, 2.5], [2.5, 1.0]])])
def test_zeros_stay_only_where_they_were_ensured(pruned: bool, expected: Any) -> None:
    kernel = Variable([[0, 2], [2, 0]])
    invariants = [NumClusters("a", 2, (2, 2))]
    if pruned:
        invariants.append(Sparsity("a", 0.5, (2, 2)))
    (project,) = make_projections({"a": kernel}, invariants)
    kernel.assign(np.array([[1.5, 2.0], [3.0, 0.5]], np.float32))
    project()
    np.testing.assert_array_equal(kernel.values, expected)


def test_a_kernel_of_one_value_and_layers_that_are_gone() -> None:
    kernel = Variable(np.zeros((2, 2)))
    invariants = [NumClusters(name, 2, (2, 2)) for name in ("a", "gone")]
    invariants.append(Sparsity("a", 0.5, (2, 2)))
    (project,) = make_projections({"a": kernel}, invariants)
    kernel.assign(np.ones((2, 2), np.float32))
    project()
    np.testing.assert_array_equal(kernel.values, 0.0)
