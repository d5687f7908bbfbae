"""Damaged model files through `verify` against the sound original: a clear error or a right answer, nothing else."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from edgetool.errors import EdgetoolError, InternalError
from edgetool.runners.process import ProcessRunner
from edgetool.verify.files import verify_files

GOLDEN = Path(__file__).parents[1] / "golden" / "models"
KINDS = ("truncated", "bit", "bits", "zeroed", "moved", "large numbers", "header", "emptied", "grown")
SEED = 411

pytestmark = pytest.mark.slow


def mutate(content: bytes, index: int) -> bytes:
    """Damage `content` in the way of `index`, the same in every run."""
    random = np.random.default_rng((SEED, index))
    kind = KINDS[index % len(KINDS)]
    data = np.frombuffer(content, np.uint8).copy()
    if kind == "truncated":
        return content[: int(random.integers(5, len(content)))]
    if kind == "emptied":
        return content[: int(random.integers(0, 12))]
    if kind == "grown":
        return content + random.bytes(500)
    if kind in ("bit", "bits"):
        where = random.integers(8, data.size, 1 if kind == "bit" else 30)
        data[where] ^= (1 << random.integers(0, 8, where.size)).astype(np.uint8)
    elif kind == "zeroed":
        start = int(random.integers(8, data.size - 32))
        data[start : start + 32] = 0
    elif kind == "moved":
        data[8:] = np.roll(data[8:], int(random.integers(1, 64)))
    elif kind == "large numbers":
        words = data[8 : data.size // 4 * 4].view(np.uint32)
        words[random.integers(0, words.size, 5)] = random.choice([0x7FFFFFFF, 0xFFFFFFFF, 0x01000000], 5)
    else:
        data[: int(random.integers(1, 24))] ^= random.integers(1, 256, dtype=np.uint8)
    return data.tobytes()


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


def _write_mutants(source: Path, folder: Path, indices: range) -> list[Path]:
    content, paths = source.read_bytes(), []
    for index in indices:
        path = folder / f"{index:02d}_{KINDS[index % len(KINDS)].replace(' ', '_')}{source.suffix}"
        path.write_bytes(mutate(content, index))
        paths.append(path)
    return paths


@pytest.mark.parametrize(
    ("name", "indices"),
    [("tiny_float32.tflite", range(18)), ("tiny_int8.tflite", range(18, 36)), ("tiny.onnx", range(36, 54))],
)
def test_exported_files(tmp_path: Path, name: str, indices: range) -> None:
    outcomes = _judge(GOLDEN / name, _write_mutants(GOLDEN / name, tmp_path, indices))
    assert len(outcomes) == 18
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


@pytest.mark.parametrize(("name", "indices"), [("h5", range(54, 63)), ("keras", range(63, 72))])
def test_keras_files(tmp_path: Path, sources: dict[str, Path], name: str, indices: range) -> None:
    sound = _judge(sources["tflite"], [sources[name]])
    assert list(sound.values()) == ["agrees"]
    outcomes = _judge(sources["tflite"], _write_mutants(sources[name], tmp_path, indices))
    assert len(outcomes) == 9
    assert "FileFormatError" in outcomes.values(), outcomes


def test_a_damaged_reference_and_the_whole_command(tmp_path: Path) -> None:
    mutants = [*_write_mutants(GOLDEN / "tiny_int8.tflite", tmp_path, range(80, 83))]
    mutants += _write_mutants(GOLDEN / "tiny.onnx", tmp_path, range(83, 86))
    for path in mutants:
        sound = GOLDEN / ("tiny.onnx" if path.suffix == ".onnx" else "tiny_int8.tflite")
        command = [sys.executable, "-m", "edgetool.cli.main", "verify", str(path), str(sound), "--samples", "4"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120)
        assert "Traceback" not in done.stderr, f"{path.name}: {done.stderr}"
        assert done.returncode in (0, 11, 13, 20, 41, 50, 51), f"{path.name}: {done.returncode} {done.stderr}"
        if done.returncode:
            assert "expected:" in done.stderr and "next:" in done.stderr
