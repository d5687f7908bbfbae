"""MLPerf Tiny's keyword clips: int8 features in the float model's unit; other files are refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgetool.data.load import load_dataset
from edgetool.data.sets import mlperf_kws01
from edgetool.errors import DataError, MissingFileError

X = np.arange(-128, 128, dtype=np.int64)[:, None, None, None].repeat(49, 1).repeat(10, 2).astype(np.int8)


def test_features_become_real_numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGETOOL_DATA", str(tmp_path))
    np.savez(tmp_path / "mlperf_kws01.npz", x_test=X, y_test=np.arange(256) % 12, class_names=np.array(["yes", "no"]))
    found = load_dataset("mlperf-kws01")
    assert found.train is None and found.val is None and found.test is not None
    assert found.test.inputs[0].dtype == np.float32
    np.testing.assert_allclose(found.test.inputs[0][:, 0, 0, 0], (np.arange(-128, 128) - 83) * 0.58470291, rtol=1e-6)
    assert found.class_names == ("yes", "no")


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"x_test": X}, "no array 'y_test'"),
        ({"x_test": X.astype(np.float32), "y_test": np.zeros(256, int)}, "float32"),
        ({"x_test": X[:, :40], "y_test": np.zeros(256, int)}, "40, 10, 1"),
        ({"x_test": X, "y_test": np.full(256, 12)}, "labels up to 12"),
        ({"x_test": X, "y_test": np.zeros(5, int)}, "5 labels"),
    ],
)
def test_another_content_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arrays: dict[str, np.ndarray], message: str
) -> None:
    monkeypatch.setenv("EDGETOOL_DATA", str(tmp_path))
    np.savez(tmp_path / "mlperf_kws01.npz", class_names=np.array(["yes"]), **arrays)
    with pytest.raises(DataError, match=message):
        mlperf_kws01.load()


def test_without_the_file_other_data_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGETOOL_DATA", str(tmp_path))
    with pytest.raises(MissingFileError, match="spoken-digits"):
        mlperf_kws01.load()
