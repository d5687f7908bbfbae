"""`module:function`: found in the current folder, and refused with the reason."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from edgetool.data.load import load_dataset
from edgetool.errors import DataError, EdgetoolError, MissingFileError, UsageError

SOURCE = """
import numpy as np
from edgetool.data.dataset import Dataset, Split
from edgetool.errors import UsageError
x, y = np.arange(40.0).reshape(20, 2), np.arange(20) % 2
def mapping():
    return {"x_train": x, "y_train": y[:, None], "x_test": (x,), "y_test": y, "class_names": ["a", "b"]}
def whole():
    return Dataset("mine", None, None, Split("test", (x,), y))
def fails():
    raise KeyError("no key")
def refuses():
    raise UsageError("--data", found="a", expected="b", next_step="c")
def wrong():
    return [1, 2]
def several():
    return {"x_train": x, "y_train": y, "y_train_depth": x * 2.0, "y_train_2": y[:, None], "x_test": x}
def misspelt():
    return {"x_tset": x}
number = 3
"""


@pytest.fixture(autouse=True)
def _module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    package = tmp_path / "their_pkg"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "source.py").write_text(SOURCE, encoding="utf-8")
    (package / "broken.py").write_text("1 +", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield
    for name in [name for name in sys.modules if name.startswith("their_pkg")]:
        del sys.modules[name]


def test_a_mapping_becomes_splits() -> None:
    loaded = load_dataset("their_pkg.source:mapping")
    assert loaded.train is not None and loaded.val is not None and loaded.test is not None
    assert (loaded.train.num_samples, loaded.val.num_samples, loaded.test.num_samples) == (18, 2, 20)
    assert loaded.train.labels is not None and loaded.train.labels.shape == (18,)
    assert loaded.class_names == ("a", "b")
    assert len(loaded.digest) == 64


def test_labels_of_several_outputs() -> None:
    loaded = load_dataset("their_pkg.source:several")
    assert loaded.train is not None and loaded.val is not None and loaded.test is not None
    assert {name: array.shape for name, array in loaded.train.heads.items()} == {"depth": (18, 2), "2": (18,)}
    assert {name: len(array) for name, array in loaded.val.heads.items()} == {"depth": 2, "2": 2}
    assert loaded.test.heads == {}


def test_a_dataset_is_taken_as_it_is() -> None:
    loaded = load_dataset("their_pkg.source:whole")
    assert loaded.name == "mine" and loaded.train is None


@pytest.mark.parametrize(
    ("spec", "kind", "message"),
    [
        ("their_pkg.source:fails", DataError, "KeyError: 'no key'"),
        ("their_pkg.source:refuses", UsageError, "--data: a"),
        ("their_pkg.source:wrong", DataError, "a list"),
        ("their_pkg.source:misspelt", DataError, "did you mean 'x_test'"),
        ("their_pkg.source:number", DataError, "a int, expected a function"),
        ("their_pkg.broken:f", DataError, "SyntaxError"),
        ("their_pkg.source:nothing", MissingFileError, "no attribute 'nothing'"),
        ("their_pkg.nowhere:f", MissingFileError, "No module named"),
    ],
)
def test_refusals_say_why(spec: str, kind: type[EdgetoolError], message: str) -> None:
    with pytest.raises(kind, match=message):
        load_dataset(spec)
