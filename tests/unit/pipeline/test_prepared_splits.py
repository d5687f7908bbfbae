"""A split that was written comes back, with the labels of every output."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from edgetool.data.dataset import Dataset, Split
from edgetool.pipeline.prepared_splits import decided_on, read_split, write_split
from edgetool.training.recorded import RecordedTraining


def test_inputs_and_labels_of_every_output(tmp_path: Path) -> None:
    x, ids, labels, depth = np.ones((4, 2), np.float32), np.arange(4), np.arange(4) % 2, np.zeros((4, 3))
    write_split(tmp_path, Split("val", (x, ids), labels, {"2": depth}))
    write_split(tmp_path, Split("test", (x,)))
    found = read_split(tmp_path, "val")
    assert [array.tolist() for array in found.inputs] == [x.tolist(), ids.tolist()]
    assert found.labels is not None and found.labels.tolist() == labels.tolist()
    assert {name: array.shape for name, array in found.heads.items()} == {"2": (4, 3)}
    bare = read_split(tmp_path, "test")
    assert bare.labels is None and bare.heads == {} and bare.num_samples == 4


def dataset(labels: np.ndarray, *, carved: bool) -> Dataset:
    val = Split("val", (np.zeros((len(labels), 2)),), labels)
    return Dataset("d", None, val, None, digest="d1", val_is_carved=carved)


def test_carved_samples_were_seen_unless_training_kept_them_apart() -> None:
    carved = dataset(np.arange(4), carved=True)
    seen = decided_on(carved, None)
    assert seen is not None and (seen.num_samples, seen.num_answers, seen.is_carved, seen.is_seen) == (4, 4, True, True)
    for recorded, is_seen in (
        (RecordedTraining("d1", with_validation=False, validation=None), False),
        (RecordedTraining("d1", with_validation=True, validation=None), True),
        (RecordedTraining("d2", with_validation=False, validation=None), True),
    ):
        split = decided_on(carved, recorded)
        assert split is not None and split.is_seen == is_seen


def test_given_samples_are_unseen_and_positions_count_one_by_one() -> None:
    split = decided_on(dataset(np.array([[0, 1, -1], [2, -1, -1]]), carved=False), None)
    assert split is not None and (split.num_samples, split.num_answers, split.is_seen) == (2, 3, False)
    one_hot = decided_on(dataset(np.eye(3, dtype=np.int64), carved=False), None)
    assert one_hot is not None and one_hot.num_answers == 3
    assert decided_on(Dataset("d", None, None, None), None) is None
