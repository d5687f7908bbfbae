"""What lies in Keras files, and files that would take more than they may."""

from __future__ import annotations

import zipfile
from collections import Counter
from pathlib import Path

import h5py
import numpy as np
import pytest

from edgetool.errors import FileFormatError
from edgetool.ir.keras_weights import class_folder, read_archive, read_h5

GOLDEN = Path(__file__).parents[2] / "golden" / "models"


def test_both_containers_hold_all_values() -> None:
    for stored in (read_archive(GOLDEN / "tiny.keras"), read_h5(GOLDEN / "tiny.h5")):
        assert sum(values.size for group in stored.groups.values() for _, values in group) == 443
        assert stored.config["class_name"] == "Functional"


def test_an_archive_may_not_expand_without_bound(tmp_path: Path) -> None:
    path = tmp_path / "bomb.keras"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("config.json", " " * (65 << 20))
        archive.writestr("model.weights.h5", b"")
    with pytest.raises(FileFormatError):
        read_archive(path)


def test_links_out_of_the_file_are_refused(tmp_path: Path) -> None:
    other = tmp_path / "other.h5"
    with h5py.File(other, "w") as store:
        store["kernel:0"] = np.ones(3)
    path = tmp_path / "linked.h5"
    with h5py.File(path, "w") as store:
        store.attrs["model_config"] = "{}"
        group = store.create_group("model_weights/dense")
        group.attrs["weight_names"] = [b"kernel:0"]
        group["kernel:0"] = h5py.ExternalLink("other.h5", "kernel:0")
        store["model_weights"].attrs["layer_names"] = [b"dense"]
    with pytest.raises(FileFormatError):
        read_h5(path)


def test_folders_count_each_class() -> None:
    counts: Counter[str] = Counter()
    assert [class_folder("", kind, counts) for kind in ("Conv2D", "Conv2D", "Dense")] == [
        "layers/conv2d",
        "layers/conv2d_1",
        "layers/dense",
    ]
