"""Models and data in memory as files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgetool.errors import UnsupportedModelError, UsageError
from edgetool.interface.inputs import kept_inputs, temporary_inputs

X, Y = np.arange(12, dtype=np.float32).reshape(4, 3), np.array([0, 1, 0, 1])


class Model:
    """Stands for a Keras model: it is taken by its module's name."""

    __module__ = "keras.fake"
    name = "net"

    def __init__(self, weight: float = 1.0) -> None:
        self.weight = weight

    def save(self, path: str) -> None:
        Path(path).write_text(f"saved {self.weight}")

    def get_weights(self) -> list[Any]:
        return [np.array([self.weight])]

    def to_json(self) -> str:
        return "{}"


class Batches:
    """Stands for a `tf.data.Dataset` of batches."""

    def as_numpy_iterator(self) -> Any:
        yield X[:3], Y[:3]
        yield X[3:], Y[3:]


def arrays(data: object, folder: Path) -> dict[str, Any]:
    path = kept_inputs("m.keras", data, folder / "run").data
    assert path is not None
    with np.load(path) as archive:
        return dict(archive)


def test_paths_and_names_stay_as_they_are(tmp_path: Path) -> None:
    found = kept_inputs(tmp_path / "m.keras", "digits", tmp_path / "run")
    assert (found.model, found.data, found.out) == (str(tmp_path / "m.keras"), "digits", str(tmp_path / "run"))
    assert kept_inputs("m.keras", None, None).out is None
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "data",
    [(X, Y), {"x_train": X, "y_train": Y}, {"train": (X, Y)}, Batches(), {"train": Batches()}],
    ids=["pair", "keys", "splits", "batches", "split"],
)
def test_every_form_of_data_gives_the_same_arrays(data: object, tmp_path: Path) -> None:
    found = arrays(data, tmp_path)
    assert sorted(found) == ["x_train", "y_train"]
    assert np.array_equal(found["x_train"], X) and np.array_equal(found["y_train"], Y)


def test_several_inputs_and_splits_have_names(tmp_path: Path) -> None:
    found = arrays({"train": ([X, X], {"boxes": Y}), "test": ([X, X], {"boxes": Y})}, tmp_path)
    assert sorted(found) == ["x_test_0", "x_test_1", "x_train_0", "x_train_1", "y_test_boxes", "y_train_boxes"]


def test_the_same_content_is_written_once_and_found_again(tmp_path: Path) -> None:
    first = kept_inputs(Model(), (X, Y), tmp_path / "run")
    before = Path(first.model).stat().st_mtime_ns
    assert kept_inputs(Model(), (X, Y), tmp_path / "run") == first
    assert Path(first.model).stat().st_mtime_ns == before
    other = kept_inputs(Model(2.0), (X, Y + 1), tmp_path / "run")
    assert other.model != first.model and other.data != first.data


def test_a_model_in_memory_names_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    found = kept_inputs(Model(), None, None)
    assert found.out == "net-run" and Path(found.model).parent.name == "net-run-inputs"


def test_temporary_files_are_gone_afterwards() -> None:
    with temporary_inputs(Model(), (X, Y)) as found:
        assert Path(found.model).read_text() == "saved 1.0" and Path(str(found.data)).exists()
    assert not Path(found.model).exists()


def test_what_is_no_model_or_no_data_is_refused_with_a_way_on(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedModelError, match=r"torch\.export\.save"):
        kept_inputs(object(), None, tmp_path / "run")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="x_train"):
        kept_inputs("m.keras", ("a", object()), tmp_path / "run")
    assert not list(tmp_path.iterdir())
