"""Training for real, in a child process: the same weights after a kill, and what is refused.

Most tests train a small model with dropout and batch normalisation from a package of its own, found by entry point as
anybody's would be.
"""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import typer
from typer.testing import CliRunner

import edgetool
from edgetool.cli.groups import flattened
from edgetool.cli.train import train as train_command
from edgetool.errors import DataError, ManifestError, RunExistsError, TrainingError
from edgetool.training.record import EpochRecord, TrainRecord

pytestmark = pytest.mark.slow

BUILDER = """
def build(keras):
    layers = keras.layers
    inputs = keras.Input((6,))
    x = layers.Dense(16, activation="relu")(inputs)
    x = layers.Dropout(0.3)(x)
    x = layers.BatchNormalization()(x)
    return keras.Model(inputs, layers.Dense(3, activation="softmax")(x))
"""
CARD = """
name = "their-mlp"
title = "Theirs"
description = "A small model of another package."
task = "classification"
metric = "accuracy"
data = "digits"
licence = "Apache-2.0"
source = "a test"
preprocessing = { scale = 0.5 }
training = { epochs = 4, batch_size = 32, learning_rate = 0.01 }
"""
EPOCHS = 4


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> str:
    random = np.random.default_rng(0)
    x = random.normal(size=(400, 6)).astype(np.float32)
    y = np.argmax(x[:, :3] + 0.1 * random.normal(size=(400, 3)), axis=1)
    path = tmp_path_factory.mktemp("data") / "blobs.npz"
    np.savez(path, x_train=x[:300], y_train=y[:300], x_test=x[300:], y_test=y[300:])
    return str(path)


@pytest.fixture(scope="module", autouse=True)
def their_package(tmp_path_factory: pytest.TempPathFactory) -> Any:
    root = tmp_path_factory.mktemp("site")
    (root / "their_zoo" / "mlp").mkdir(parents=True)
    (root / "their_zoo" / "__init__.py").touch()
    (root / "their_zoo" / "mlp" / "__init__.py").write_text(BUILDER)
    (root / "their_zoo" / "mlp" / "model.toml").write_text(CARD)
    (root / "their_zoo-1.0.dist-info").mkdir()
    (root / "their_zoo-1.0.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: their-zoo\nVersion: 1.0\n")
    (root / "their_zoo-1.0.dist-info" / "entry_points.txt").write_text("[edgetool.models]\ntheirs = their_zoo\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(root))
        patch.setenv("PYTHONPATH", str(root), prepend=os.pathsep)
        yield root


@pytest.fixture(scope="module")
def uninterrupted(data: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, TrainRecord]:
    folder = tmp_path_factory.mktemp("whole") / "run"
    return folder, edgetool.train("their-mlp", data, out=folder, seed=3)


def weights(model: Path) -> bytes:
    """The weights in a .keras file, without its times."""
    import h5py

    found = b""
    with zipfile.ZipFile(model) as archive, archive.open("model.weights.h5") as stream, h5py.File(stream) as file:
        names: list[str] = []
        file.visititems(lambda name, item: names.append(name) if isinstance(item, h5py.Dataset) else None)
        for name in sorted(names):
            found += name.encode() + np.asarray(file[name]).tobytes()
    assert len(names) >= 8
    return found


def history(record: TrainRecord) -> list[EpochRecord]:
    return [dataclasses.replace(epoch, seconds=0.0) for epoch in record.history]


def kill_children(number: int) -> Callable[[EpochRecord], None]:
    """Kill the training process, as a lack of memory would, once `number` epochs are finished."""

    def kill(epoch: EpochRecord) -> None:
        if epoch.epoch == number:
            for child in psutil.Process().children(recursive=True):
                child.send_signal(signal.SIGKILL)

    return kill


def interrupt(number: int) -> Callable[[EpochRecord], None]:
    def stop(epoch: EpochRecord) -> None:
        if epoch.epoch == number:
            raise KeyboardInterrupt

    return stop


def test_record_says_what_was_done(uninterrupted: tuple[Path, TrainRecord]) -> None:
    folder, record = uninterrupted
    assert sorted(item.name for item in folder.iterdir()) == [
        ".lock",
        "history.csv",
        "logs",
        "model.keras",
        "train.json",
    ]
    assert json.loads((folder / "train.json").read_text())["model"] == "their-mlp"
    assert len((folder / "history.csv").read_text().splitlines()) == EPOCHS + 1
    assert record.splits == {"train": 270, "val": 30, "test": 100}
    assert record.settings.preprocessing == "x * 0.5 as float32"
    assert record.num_params == 6 * 16 + 16 + 4 * 16 + 16 * 3 + 3
    assert [epoch.epoch for epoch in record.history] == [1, 2, 3, 4]
    assert record.history[-1].loss < record.history[0].loss
    assert record.test is not None and record.validation is not None
    assert record.test.num_samples == 100 and record.test.value > 0.6
    assert record.test.standard_error == pytest.approx(
        (record.test.value * (1 - record.test.value) / 100) ** 0.5, rel=1e-6
    )
    assert record.validation.value == pytest.approx(record.history[-1].val_accuracy)


def test_killed_and_interrupted_training_ends_with_the_same_weights(
    data: str, tmp_path: Path, uninterrupted: tuple[Path, TrainRecord]
) -> None:
    folder = tmp_path / "run"
    with pytest.raises(TrainingError, match="SIGKILL"):
        edgetool.train("their-mlp", data, out=folder, seed=3, on_epoch=kill_children(1))
    assert not (folder / "train.json").exists() and not (folder / "model.keras").exists()
    with pytest.raises(KeyboardInterrupt):
        edgetool.train("their-mlp", data, out=folder, seed=3, on_epoch=interrupt(2))
    seen: list[int] = []
    record = edgetool.train("their-mlp", data, out=folder, seed=3, on_epoch=lambda epoch: seen.append(epoch.epoch))
    assert seen and seen[-1] == EPOCHS and 1 not in seen
    assert record.num_resumes == 2
    assert history(record) == history(uninterrupted[1])
    assert weights(folder / "model.keras") == weights(uninterrupted[0] / "model.keras")


def test_another_seed_gives_other_weights(data: str, tmp_path: Path, uninterrupted: tuple[Path, TrainRecord]) -> None:
    edgetool.train("their-mlp", data, out=tmp_path / "run", seed=4, epochs=1)
    assert weights(tmp_path / "run" / "model.keras") != weights(uninterrupted[0] / "model.keras")


def test_a_run_goes_on_after_the_tool_itself_was_killed(
    data: str, tmp_path: Path, uninterrupted: tuple[Path, TrainRecord]
) -> None:
    script = (
        "import sys, edgetool\n"
        "edgetool.train('their-mlp', sys.argv[1], out=sys.argv[2], seed=3,"
        " on_epoch=lambda epoch: print(epoch.epoch, flush=True))"
    )
    folder = tmp_path / "run"
    with subprocess.Popen(
        [sys.executable, "-c", script, data, str(folder)], stdout=subprocess.PIPE, text=True, env=os.environ
    ) as process:
        assert process.stdout is not None and process.stdout.readline() == "1\n"
        orphans = psutil.Process(process.pid).children(recursive=True)
        process.kill()
    psutil.wait_procs(orphans, timeout=60)
    assert not any(orphan.is_running() for orphan in orphans), "a child outlives the tool"
    record = edgetool.train("their-mlp", data, out=folder, seed=3) if not (folder / "train.json").exists() else None
    assert record is None or record.num_resumes == 1
    assert weights(folder / "model.keras") == weights(uninterrupted[0] / "model.keras")


def test_unfinished_run_with_other_settings_is_refused(data: str, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    with pytest.raises(KeyboardInterrupt):
        edgetool.train("their-mlp", data, out=folder, on_epoch=interrupt(1))
    with pytest.raises(ManifestError, match=r"learning_rate 0\.01, now 0\.02"):
        edgetool.train("their-mlp", data, out=folder, learning_rate=0.02)
    checkpoint = next(folder.glob("epoch-*.npz"))
    checkpoint.write_bytes(checkpoint.read_bytes()[:500])
    with pytest.raises(TrainingError, match="cannot be read"):
        edgetool.train("their-mlp", data, out=folder)
    record = edgetool.train("their-mlp", data, out=folder, learning_rate=0.02, epochs=1, overwrite=True)
    assert record.num_resumes == 0 and record.settings.learning_rate == 0.02


def test_finished_run_is_refused_and_command_line_reports(data: str, tmp_path: Path) -> None:
    app = typer.Typer()
    app.command()(flattened(train_command))
    arguments = ["their-mlp", "--data", data, "-o", str(tmp_path / "run"), "--epochs", "1", "--max-samples", "64"]
    done = CliRunner().invoke(app, [*arguments, "--json"], catch_exceptions=False)
    found = json.loads(done.stdout)
    assert found["splits"]["train"] == 64 and found["settings"]["epochs"] == 1
    again = CliRunner().invoke(app, arguments)
    assert isinstance(again.exception, RunExistsError)
    anew = CliRunner().invoke(app, [*arguments, "--overwrite"], catch_exceptions=False)
    assert "their-mlp: 227 parameters, trained on 64 samples of blobs" in anew.stdout
    assert f"model: {tmp_path / 'run' / 'model.keras'}" in anew.stdout
    assert "loss" in anew.stderr


def test_diverging_training_is_an_error_not_a_model(data: str, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="a loss of nan"):
        edgetool.train("their-mlp", data, out=tmp_path / "run", learning_rate=1e38)
    assert not (tmp_path / "run" / "model.keras").exists()


def test_data_that_do_not_fit_are_refused_before_the_folder_is_made(tmp_path: Path) -> None:
    x = np.zeros((20, 5), np.float32)
    np.savez(tmp_path / "narrow.npz", x_train=x, y_train=np.arange(20) % 3)
    with pytest.raises(DataError, match=r"shape \[\d+, 5\], expected \[N, 6\]"):
        edgetool.train("their-mlp", str(tmp_path / "narrow.npz"), out=tmp_path / "run")
    np.savez(tmp_path / "test_only.npz", x_test=np.zeros((20, 6), np.float32), y_test=np.arange(20) % 3)
    with pytest.raises(DataError, match="no labelled training split"):
        edgetool.train("their-mlp", str(tmp_path / "test_only.npz"), out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_steps_on_random_data_are_measured() -> None:
    script = Path(__file__).parents[2] / "benchmarks" / "train_step.py"
    arguments = ["document-cnn", "--device", "cpu", "--batch-size", "8", "--steps", "2"]
    done = subprocess.run([sys.executable, str(script), *arguments], capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    assert (found["model"], found["num_params"], found["num_devices"]) == ("document-cnn", 8_475_530, 1)
    assert found["flops_per_step"] == pytest.approx(29.0e6 * 2 * 3 * 8, rel=0.01)
    assert found["samples_per_second"] == pytest.approx(16 / found["seconds"]) and found["peak_memory_bytes"] > 0
    missing = subprocess.run([sys.executable, str(script), "document-cn"], capture_output=True, text=True, check=False)
    assert missing.returncode == 23 and "did you mean 'document-cnn'" in missing.stderr


def test_the_documents_cnn_learns_digits(tmp_path: Path) -> None:
    record = edgetool.train("document-cnn", "digits", out=tmp_path / "run", epochs=2)
    assert record.num_params == 8_475_530
    assert record.test is not None and record.test.num_samples == 450
    assert record.test.value > 0.85
