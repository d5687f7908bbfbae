"""The data of a setup, against a model that is a plain function."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgetool.artifact import TensorSpec
from edgetool.data.preprocess import Preprocessing
from edgetool.errors import DataError
from edgetool.importers.base import ImportedModel
from edgetool.pipeline.setup import Setup
from edgetool.pipeline.source_data import load_source_data

NUM = 100


def imported(*shape: int) -> ImportedModel:
    return ImportedModel(
        model=object(),
        source_format="onnx",
        num_params=1,
        inputs=(TensorSpec("x", (-1, *shape), "float32", (), ()),),
        outputs=(TensorSpec("y", (-1, 3), "float32", (), ()),),
        last_activation="softmax",
        runtime="numpy",
        run=lambda inputs: (np.zeros((len(inputs[0]), 3), np.float32),),
    )


@pytest.fixture
def data(tmp_path: Path) -> str:
    pixels = np.random.default_rng(0).integers(0, 256, (NUM, 2, 5, 4)).astype(np.float32)
    labels = np.arange(NUM) % 3
    np.savez(tmp_path / "d.npz", x_train=pixels, y_train=labels, x_test=pixels[:9], y_test=labels[:9])
    return str(tmp_path / "d.npz")


def test_channels_first_are_transposed_when_asked_and_the_refusal_says_how(data: str) -> None:
    with pytest.raises(DataError, match=r"give --transpose.*x\.transpose\(0, 2, 3, 1\)"):
        load_source_data(Setup("m.onnx", data, ""), imported(5, 4, 2))
    loaded = load_source_data(Setup("m.onnx", data, "", transpose=True), imported(5, 4, 2))
    assert loaded.dataset.test is not None and loaded.dataset.test.inputs[0].shape == (9, 5, 4, 2)
    assert "--transpose" in loaded.dataset.facts["given layout"]


def test_the_sample_is_raw_and_the_data_set_is_preprocessed(data: str) -> None:
    loaded = load_source_data(Setup("m.onnx", data, "", preprocessing=Preprocessing(scale=1 / 255)), imported(2, 5, 4))
    assert loaded.sample is not None and float(loaded.sample.inputs[0].max()) > 200.0
    assert loaded.dataset.val is not None and float(loaded.dataset.val.inputs[0].max()) <= 1.0


def test_a_split_of_samples_that_training_has_seen_is_as_large_as_the_data_allow(data: str) -> None:
    loaded = load_source_data(Setup("m.onnx", data, ""), imported(2, 5, 4))
    assert loaded.dataset.val_is_carved
    assert loaded.dataset.val is not None and 25 <= loaded.dataset.val.num_samples <= 35


def test_without_data_there_is_no_task() -> None:
    loaded = load_source_data(Setup("m.onnx", None, ""), imported(2))
    assert loaded.task is None and loaded.sample is None
