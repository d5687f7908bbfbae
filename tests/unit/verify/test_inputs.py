"""Samples of data or seeded noise."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgetool.data.preprocess import Preprocessing
from edgetool.errors import DataError, ParityError
from edgetool.verify.inputs import InputFacts, data_inputs, random_inputs, value_dtypes

FLOAT = InputFacts("x", (-1, 8, 8, 3), "float32")


def test_noise_is_seeded_and_normal_where_no_range_is_known() -> None:
    found = random_inputs([FLOAT], [FLOAT], 64, seed=3)
    (array,) = found.split.inputs
    assert (array.shape, array.dtype.name) == ((64, 8, 8, 3), "float32")
    assert abs(array.mean()) < 0.05 and abs(array.std() - 1.0) < 0.05
    assert np.array_equal(array, random_inputs([FLOAT], [FLOAT], 64, seed=3).split.inputs[0])
    assert not np.array_equal(array, random_inputs([FLOAT], [FLOAT], 64, seed=4).split.inputs[0])
    assert found.is_noise and "seed 3" in found.description and "standard deviation 1" in found.description


@pytest.mark.parametrize("quantized_first", [True, False])
def test_noise_stays_in_the_quantised_range_of_either_file(quantized_first: bool) -> None:
    quantized = InputFacts("x_int8", (1, 8, 8, 3), "int8", 0.0, 255.0)
    pair = ([quantized], [FLOAT]) if quantized_first else ([FLOAT], [quantized])
    found = random_inputs(*pair, 50, seed=0)
    (array,) = found.split.inputs
    assert array.dtype.name == "float32"
    assert array.min() == 0.0 and 50.0 < array.max() <= 255.0
    assert "within 0..255" in found.description


def test_a_range_away_from_zero_is_met_at_its_nearest_end() -> None:
    facts = InputFacts("x", (-1, 100), "int8", 10.0, 20.0)
    (array,) = random_inputs([facts], [facts], 100, seed=0).split.inputs
    assert array.min() == 10.0 and array.max() < 16.0


def test_whole_numbers_stay_within_the_table_that_they_look_up() -> None:
    ids, plain = InputFacts("ids", (-1, 16), "int32", 0.0, 9.0), InputFacts("ids", (-1, 16), "int32")
    (array,) = random_inputs([plain], [ids], 40, seed=0).split.inputs
    assert array.dtype.name == "int32"
    assert (array.min(), array.max()) == (0, 9)
    assert random_inputs([plain], [plain], 40, seed=0).split.inputs[0].max() == 1


def test_open_dimensions_are_taken_from_the_other_file() -> None:
    opened, fixed = InputFacts("x", (-1, -1, 3), "float32"), InputFacts("x", (1, 7, 3), "float32")
    assert random_inputs([opened], [fixed], 2, seed=0).split.inputs[0].shape == (2, 7, 3)
    with pytest.raises(DataError, match="neither file states"):
        random_inputs([opened], [opened], 2, seed=0)


def test_other_models_are_refused() -> None:
    with pytest.raises(ParityError, match="not the same model"):
        random_inputs([FLOAT], [FLOAT, FLOAT], 2, seed=0)
    with pytest.raises(ParityError, match="NCHW"):
        random_inputs([FLOAT], [InputFacts("x", (-1, 3, 8, 8), "float32")], 2, seed=0)


def test_absurd_shapes_of_damaged_files_are_refused() -> None:
    huge = InputFacts("x", (1, 1 << 30, 1 << 30), "float32")
    with pytest.raises(DataError, match="may be damaged"):
        random_inputs([huge], [huge], 1, seed=0)


def _save(path: Path, **splits: int) -> str:
    arrays = {}
    for value, (name, count) in enumerate(splits.items()):
        arrays[f"x_{name}"] = np.full((count, 4), value, np.uint8)
        arrays[f"y_{name}"] = np.arange(count) % 2
    np.savez(path, **arrays)
    return str(path)


def test_data_comes_from_the_validation_split_preprocessed(tmp_path: Path) -> None:
    spec = _save(tmp_path / "d.npz", train=20, val=10, test=5)
    found = data_inputs(spec, 6, Preprocessing(scale=0.5), seed=0)
    assert (found.split.name, found.split.num_samples, found.is_noise) == ("val", 6, False)
    assert np.all(found.split.inputs[0] == 0.5)
    assert found.split.inputs[0].dtype == np.float32
    assert "val split" in found.description


def test_data_falls_back_on_train_and_never_on_test(tmp_path: Path) -> None:
    few = _save(tmp_path / "few.npz", train=6, test=5)
    assert np.all(data_inputs(few, 100, Preprocessing(), seed=0).split.inputs[0] == 0)
    only = tmp_path / "only.npz"
    np.savez(only, x_test=np.zeros((5, 4), np.float32), y_test=np.zeros(5, np.int64))
    with pytest.raises(DataError, match="only a test split"):
        data_inputs(str(only), 5, Preprocessing(), seed=0)


def test_codes_keep_their_type_beside_values_that_are_scaled(tmp_path: Path) -> None:
    values, codes = np.full((6, 4), 3.0, np.float32), np.full((6, 2), 70_000, np.int64)
    path = tmp_path / "d.npz"
    np.savez(path, x_train_0=values, x_train_1=codes, y_train=np.zeros(6, np.int64))
    facts = [InputFacts("values", (-1, 4), "int8", -1.0, 1.0), InputFacts("codes", (-1, 2), "int32")]
    found = data_inputs(str(path), 6, Preprocessing(scale=0.5), seed=0, dtypes=value_dtypes(facts))
    assert [str(x.dtype) for x in found.split.inputs] == ["float32", "int32"]
    assert [x.flat[0] for x in found.split.inputs] == [1.5, 70_000]
