"""Damaged model files through `verify` against the sound original: a clear error or a right answer, nothing else."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from edgetool.errors import EdgetoolError, InternalError
from edgetool.runners.process import ProcessRunner
from edgetool.verify.files import verify_files

GOLDEN = Path(__file__).parents[1] / "golden" / "models"
MakeMutants = Callable[..., list[Path]]

pytestmark = pytest.mark.slow


def _judge(reference: Path, mutants: list[Path]) -> dict[str, str]:
    """Verify each mutant against `reference`; return what came of it."""
    outcomes = {}
    for path in mutants:
        try:
            found = verify_files(reference, path, runner=ProcessRunner(), num_samples=8)
        except EdgetoolError as exc:
            assert not isinstance(exc, InternalError), f"{path.name}: {exc}"
            assert exc.subject and exc.found and exc.expected and exc.next_step
            outcomes[path.name] = type(exc).__name__
        else:
            parity = found.parity
            assert np.isfinite([parity.max_abs_error, parity.max_rel_error, *parity.sqnr_db]).all(), path.name
            assert parity.passed == (parity.reason == "")
            outcomes[path.name] = "agrees" if parity.passed else "disagrees"
    return outcomes


@pytest.mark.parametrize(
    ("name", "indices"),
    [("tiny_float32.tflite", range(10)), ("tiny_int8.tflite", range(18, 28)), ("tiny.onnx", range(36, 46))],
)
def test_exported_files(tmp_path: Path, make_mutants: MakeMutants, name: str, indices: range) -> None:
    outcomes = _judge(GOLDEN / name, make_mutants([GOLDEN / name], tmp_path, indices))
    assert len(outcomes) == 10
    assert set(outcomes.values()) & {"FileFormatError", "InterpreterCrashError", "UnsupportedModelError"}, outcomes


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A model as `.h5` (Keras 2), `.keras` (Keras 3) and `.tflite`, all with the same weights."""
    import keras
    import tensorflow as tf
    import tf_keras

    folder = tmp_path_factory.mktemp("sources")
    models = {}
    for name, library in (("h5", tf_keras), ("keras", keras)):
        layers = library.layers
        inputs = layers.Input((6,)) if name == "h5" else keras.Input((6,))
        models[name] = library.Model(inputs, layers.Dense(3, activation="softmax")(layers.Dense(8, "relu")(inputs)))
    models["keras"].set_weights(models["h5"].get_weights())
    paths = {name: folder / f"model.{name}" for name in ("h5", "keras", "tflite")}
    models["h5"].save(paths["h5"], save_format="h5")
    models["keras"].save(paths["keras"])
    paths["tflite"].write_bytes(tf.lite.TFLiteConverter.from_keras_model(models["h5"]).convert())
    return paths


@pytest.mark.parametrize(("name", "indices"), [("h5", range(54, 60)), ("keras", range(66, 72))])
def test_keras_files(
    tmp_path: Path, make_mutants: MakeMutants, sources: dict[str, Path], name: str, indices: range
) -> None:
    sound = _judge(sources["tflite"], [sources[name]])
    assert list(sound.values()) == ["agrees"]
    outcomes = _judge(sources["tflite"], make_mutants([sources[name]], tmp_path, indices))
    assert len(outcomes) == 6
    assert "FileFormatError" in outcomes.values(), outcomes


def test_a_damaged_reference_and_the_whole_command(tmp_path: Path, make_mutants: MakeMutants) -> None:
    mutants = [*make_mutants([GOLDEN / "tiny_int8.tflite"], tmp_path, range(80, 83))]
    mutants += make_mutants([GOLDEN / "tiny.onnx"], tmp_path, range(83, 86))
    for path in mutants:
        sound = GOLDEN / ("tiny.onnx" if path.suffix == ".onnx" else "tiny_int8.tflite")
        command = [sys.executable, "-m", "edgetool.cli.main", "verify", str(path), str(sound), "--samples", "4"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120)
        assert "Traceback" not in done.stderr, f"{path.name}: {done.stderr}"
        assert done.returncode in (0, 11, 13, 20, 41, 50, 51), f"{path.name}: {done.returncode} {done.stderr}"
        if done.returncode:
            assert "expected:" in done.stderr and "next:" in done.stderr
