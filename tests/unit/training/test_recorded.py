"""What a train.json beside a model says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from edgetool.artifact import digest_path
from edgetool.training.recorded import recorded_training

VALIDATION = {
    "split": "val",
    "num_samples": 9,
    "metric": "accuracy",
    "value": 0.9,
    "standard_error": 0.1,
    "method": "m",
    "runtime": "keras",
}


def write(folder: Path, **changes: object) -> Path:
    model = folder / "model.keras"
    model.write_bytes(b"weights")
    fields = {
        "model_digest": digest_path(model),
        "settings": {"data_digest": "d1", "with_validation": True},
        "validation": VALIDATION,
    }
    (folder / "train.json").write_text(json.dumps({**fields, **changes}))
    return model


def test_the_record_of_the_same_file_is_read(tmp_path: Path) -> None:
    found = recorded_training(write(tmp_path))
    assert found is not None and (found.data_digest, found.with_validation) == ("d1", True)
    assert found.validation is not None and found.validation.value == 0.9


@pytest.mark.parametrize(
    "changes", [{"model_digest": "other"}, {"settings": None}, {"validation": {"value": "high"}}, {"settings": {}}]
)
def test_another_models_record_and_damaged_ones_are_left_alone(tmp_path: Path, changes: dict[str, object]) -> None:
    assert recorded_training(write(tmp_path, **changes)) is None


def test_without_a_record_nothing_is_known(tmp_path: Path) -> None:
    assert recorded_training(tmp_path / "model.keras") is None
    model = write(tmp_path)
    (tmp_path / "train.json").write_text("{" * 5000)
    assert recorded_training(model) is None
