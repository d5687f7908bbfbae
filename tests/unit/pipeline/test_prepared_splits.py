"""A split that was written comes back, with the labels of every output."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from edgetool.data.dataset import Split
from edgetool.pipeline.prepared_splits import read_split, write_split


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
