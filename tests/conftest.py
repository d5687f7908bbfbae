"""Fixtures that every kind of test shares."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hypothesis
import numpy as np
import pytest

#: A machine that is busy fails no property: nothing here is about time.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")


def _require_backend(name: str) -> None:
    """Skip, or fail under `EDGETOOL_REQUIRE_BACKENDS`, where a backend of Keras 3 is not installed."""
    if importlib.util.find_spec(name) is not None:
        return
    reason = f"{name} is not installed: pip install 'edgetool[{name}]'"
    if os.environ.get("EDGETOOL_REQUIRE_BACKENDS"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def require_backend() -> Callable[[str], None]:
    """Skip, or fail, where the backend of that name is not installed."""
    return _require_backend


@pytest.fixture(scope="session", params=["tensorflow", "jax", "torch"])
def backend(request: pytest.FixtureRequest) -> str:
    """Each backend of Keras 3 that is installed."""
    _require_backend(request.param)
    return str(request.param)


def _shared_folder(variable: str) -> Path:
    value = os.environ.get(variable)
    if value and Path(value).is_dir():
        return Path(value)
    reason = f"{variable} is not set to a folder: this test needs files that are not part of the repository"
    if os.environ.get("EDGETOOL_REQUIRE_SHARED"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data sets that `EDGETOOL_DATA` names."""
    return _shared_folder("EDGETOOL_DATA")


@pytest.fixture(scope="session")
def shared_models() -> Path:
    """The folder of MLPerf Tiny models that `EDGETOOL_MODELS` names."""
    return _shared_folder("EDGETOOL_MODELS")


def _to_int8(converter: Any, shape: tuple[int, ...], path: Path, num_samples: int = 20) -> Path:
    import tensorflow as tf

    samples = np.random.default_rng(0).normal(size=(num_samples, 1, *shape)).astype(np.float32)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([sample] for sample in samples)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.int8
    path.write_bytes(converter.convert())
    return path


@pytest.fixture(scope="session")
def to_int8() -> Callable[..., Path]:
    """Write what a `TFLiteConverter` was made of in int8, calibrated on random samples of `shape` (without batch)."""
    return _to_int8
