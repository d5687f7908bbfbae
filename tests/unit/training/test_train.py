"""The parent's side of training: what is refused before a process is started, and how a dead one is reported."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import pytest

from edgetool.errors import MissingDependencyError, ModelCardError, RunExistsError, TrainingError, UsageError
from edgetool.options.commands import TrainOptions
from edgetool.options.declare import build
from edgetool.runners.child import Child
from edgetool.training import train
from edgetool.training.record import TrainRecord


@pytest.fixture
def no_child(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: Any, **kwargs: Any) -> None:
        raise AssertionError("a process was started")

    monkeypatch.setattr(train, "Child", refuse)


def start(name: str, data: str | None, out: Path, **options: object) -> TrainRecord:
    values = {**options, "name": name, "data": data, "out": str(out)}
    return train.train_model(build(TrainOptions, values))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"epochs": 0}, "--epochs"),
        ({"batch_size": -1}, "--batch-size"),
        ({"max_samples": 0}, "--max-samples"),
        ({"learning_rate": 0.0}, "--learning-rate"),
        ({"learning_rate": float("nan")}, "--learning-rate"),
        ({"learning_rate": float("inf")}, "--learning-rate"),
    ],
)
def test_options_are_checked_first(no_child: None, tmp_path: Path, options: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        start("document-cnn", "digits", tmp_path / "run", **options)
    assert not (tmp_path / "run").exists()


def test_a_backend_that_is_not_installed_is_refused_first(
    no_child: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingDependencyError, match=r"torch>=2"):
        start("document-cnn", "digits", tmp_path / "run", backend="torch")
    assert not (tmp_path / "run").exists()


def test_a_model_without_a_card_needs_data(no_child: None, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--data: no data for my_models:build"):
        start("my_models:build", None, tmp_path / "run")


def test_a_card_is_not_contradicted(no_child: None, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--task: given for document-cnn"):
        start("document-cnn", "digits", tmp_path / "run", task="regression")


def test_options_that_are_given_often_and_rarely_meet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[dict[str, Any]] = []

    class Recorder(Child):
        def call(self, method: str, params: Any = None, **options: Any) -> Any:
            seen.append(params["request"])
            raise KeyboardInterrupt

    monkeypatch.setattr(train, "Child", Recorder)
    with pytest.raises(KeyboardInterrupt):
        start("document-cnn", "digits", tmp_path / "run", epochs=2, optimizer="sgd")
    assert seen[0]["recipe"]["epochs"] == 2 and seen[0]["recipe"]["optimizer"] == "sgd"
    assert seen[0]["recipe"]["batch_size"] is None


def test_an_unknown_model_is_refused_first(no_child: None, tmp_path: Path) -> None:
    with pytest.raises(ModelCardError, match="document-cnn"):
        start("document", "digits", tmp_path / "run")


def test_a_finished_run_is_refused_first(no_child: None, tmp_path: Path) -> None:
    (tmp_path / "train.json").touch()
    with pytest.raises(RunExistsError):
        start("document-cnn", "digits", tmp_path)


def test_a_child_that_dies_is_a_training_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def dying(**options: Any) -> Child:
        return Child([sys.executable, "-c", "import os; os.kill(os.getpid(), 9)"], subject=options["subject"])

    monkeypatch.setattr(train, "Child", dying)
    with pytest.raises(TrainingError, match=r"SIGKILL.*goes on from the last checkpoint"):
        start("document-cnn", "digits", tmp_path / "run")
