"""Generations of Keras are told apart, and what cannot be used is refused, before TensorFlow is loaded."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from edgetool.errors import UnsupportedModelError
from edgetool.importers.keras import _is_keras3, _require_static, adopt


def keras_file(path: Path, version: str | None) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", json.dumps({"class_name": "Functional", "config": {"layers": []}}))
        if version is not None:
            archive.writestr("metadata.json", json.dumps({"keras_version": version}))
    return path


@pytest.mark.parametrize(
    ("version", "expected"), [("3.15.1", True), ("2.21.0", False), (None, True), ("", True), ("nightly", True)]
)
def test_a_keras_file_says_who_wrote_it(version: str | None, expected: bool, tmp_path: Path) -> None:
    assert _is_keras3(keras_file(tmp_path / "m.keras", version), "keras") is expected


@pytest.mark.parametrize(
    ("version", "layer", "expected"),
    [
        ("3.15.1", {}, True),
        (b"2.21.0", {"build_config": {}}, False),
        (None, {"build_config": {}}, True),
        (None, {}, False),
    ],
)
def test_an_h5_file_may_not_say_it(version: Any, layer: dict[str, Any], expected: bool, tmp_path: Path) -> None:
    import h5py

    with h5py.File(tmp_path / "m.h5", "w") as store:
        entry = {"class_name": "Dense", **layer}
        store.attrs["model_config"] = json.dumps({"class_name": "Sequential", "config": {"layers": [entry]}})
        if version is not None:
            store.attrs["keras_version"] = version
    assert _is_keras3(tmp_path / "m.h5", "h5") is expected


class Type:
    def __init__(self, name: str) -> None:
        self.as_numpy_dtype = np.dtype(name).type
        self.is_integer, self.is_bool = np.dtype(name).kind in "iu", name == "bool"


class Tensor:
    name = "image"

    def __init__(self, *shape: int | None, dtype: str = "float32") -> None:
        self.shape, self.dtype = shape, Type(dtype)


class Model:
    """Scales its input."""

    def __init__(self, *inputs: Tensor, factor: float = 1.0) -> None:
        self.inputs, self.factor = list(inputs), factor

    def __call__(self, given: Any, training: bool) -> Any:
        assert training is False
        return given * self.factor


def test_only_the_batch_may_be_open() -> None:
    _require_static("m.h5", Model(Tensor(None, 8, 8, 1)))
    with pytest.raises(UnsupportedModelError, match=r"open dimensions \[1, 2\]"):
        _require_static("m.h5", Model(Tensor(None, None, None, 1)))
    with pytest.raises(UnsupportedModelError, match="inputs are not defined"):
        _require_static("m.h5", Model())


class Predicting:
    """Gives `x + 1`, and by name also `2 x`."""

    output_names = ("b", "a")

    def __init__(self, batch: int | None = None, as_dict: bool = False) -> None:
        self.inputs = [SimpleNamespace(shape=(batch, 3), dtype=np.dtype("float32"), name="x:0")]
        self.outputs = [SimpleNamespace(shape=(batch, 3), dtype=np.dtype("float32"), name="y/Softmax:0")]
        self.batch_sizes: list[int] = []
        self._as_dict = as_dict

    def count_params(self) -> int:
        return 7

    def predict(self, x: np.ndarray, batch_size: int, verbose: int) -> Any:
        assert len(x) % batch_size == 0 or self.inputs[0].shape[0] is None
        self.batch_sizes.append(batch_size)
        return {"a": x * 2.0, "b": x + 1.0} if self._as_dict else x + 1.0


def test_a_model_is_described_and_gives_its_outputs_in_order() -> None:
    array = np.arange(30.0).reshape(10, 3)
    found = adopt(Predicting(), "m.keras", "keras", facts={"a": "b"})
    assert (found.inputs[0].name, found.inputs[0].shape, found.num_params) == ("x", (-1, 3), 7)
    assert (found.source_format, found.runtime, found.facts) == ("keras", "keras", {"a": "b"})
    (single,) = found.run((array,))
    assert np.array_equal(single, array + 1.0)
    both = adopt(Predicting(as_dict=True), "m.keras", "keras").run((array,))
    assert np.array_equal(both[0], array + 1.0) and np.array_equal(both[1], array * 2.0)


def test_outputs_are_called_as_keras_calls_them() -> None:
    model = Predicting()
    assert adopt(model, "m.keras", "keras").outputs[0].name == "y/Softmax"  # two names for one output
    model.output_names = ("kind",)  # type: ignore[assignment]
    assert adopt(model, "m.keras", "keras").outputs[0].name == "kind"


def test_a_fixed_batch_is_filled_up() -> None:
    model, array = Predicting(batch=4), np.arange(30.0).reshape(10, 3)
    (found,) = adopt(model, "m.keras", "keras").run((array,))
    assert np.array_equal(found, array + 1.0)
    assert model.batch_sizes == [4]
