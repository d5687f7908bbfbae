"""Generations of Keras are told apart, and what cannot be used is refused, before TensorFlow is loaded."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgetool.errors import UnsupportedModelError
from edgetool.importers.keras import _difference, _is_keras3, _require_static, load_model

GOLDEN = Path(__file__).parents[2] / "golden" / "models"


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


@pytest.mark.parametrize("name", ["tiny_float32.tflite", "tiny.onnx"])
def test_exported_models_are_no_source(name: str) -> None:
    with pytest.raises(UnsupportedModelError, match="exported model"):
        load_model(GOLDEN / name, trust=False)


class Type:
    def __init__(self, name: str) -> None:
        self.as_numpy_dtype = np.dtype(name).type
        self.is_integer = np.dtype(name).kind in "iu"


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
    _require_static(Path("m.h5"), Model(Tensor(None, 8, 8, 1)))
    with pytest.raises(UnsupportedModelError, match=r"open dimensions \[1, 2\]"):
        _require_static(Path("m.h5"), Model(Tensor(None, None, None, 1)))
    with pytest.raises(UnsupportedModelError, match="inputs are not defined"):
        _require_static(Path("m.h5"), Model())


@pytest.mark.parametrize("dtype", ["float32", "int32"])
def test_outputs_are_compared_relative_to_the_largest(dtype: str) -> None:
    inputs = Tensor(None, 5, dtype=dtype)
    assert _difference(Model(inputs), Model(inputs)) == 0.0
    assert _difference(Model(inputs, factor=100.0), Model(inputs, factor=101.0)) == pytest.approx(0.01, rel=1e-3)
    assert not _difference(Model(inputs), Model(inputs, factor=float("nan"))) <= 1.0
