"""Two model files on the same inputs."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgetool.errors import UsageError
from edgetool.options.commands import VerifyOptions
from edgetool.options.groups import ScalingOptions
from edgetool.pipeline.verify import compare_files, input_loader

MODELS = Path(__file__).parents[2] / "golden" / "models"


def options(**changes: object) -> VerifyOptions:
    return VerifyOptions(str(MODELS / "tiny_float32.tflite"), str(MODELS / "tiny_float32.tflite"), samples=4, **changes)  # type: ignore[arg-type]


def test_preprocessing_is_of_data() -> None:
    assert input_loader(options()) is None
    assert input_loader(options(data="digits", scaling=ScalingOptions(scale=0.5))) is not None
    with pytest.raises(UsageError, match="--scale, --mean: preprocessing without data"):
        input_loader(options(scaling=ScalingOptions(scale=0.5, mean="1")))


def test_files_of_one_model_agree() -> None:
    chosen = options()
    verification = compare_files(chosen, chosen.candidate, None, progress=lambda what, done, total: None)
    assert verification.parity.passed and verification.parity.num_samples == 4
