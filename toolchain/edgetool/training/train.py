"""The parent's side of `edgetool train`: settings, the folder, and the child that does the work."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edgetool import __version__
from edgetool.data.preprocess import Preprocessing
from edgetool.errors import ManifestError, RunExistsError, TrainingError, UsageError
from edgetool.runners.child import Child
from edgetool.schema import parse, to_builtins, to_json
from edgetool.store.atomic import disk_error, write_text
from edgetool.store.lock import folder_lock
from edgetool.store.manifest import EvaluationRecord
from edgetool.zoo import find_model

__all__ = ["TrainRecord", "TrainSettings", "train_model"]

SETTINGS_NAME = "settings.json"
RECORD_NAME = "train.json"


@dataclass(frozen=True, slots=True)
class TrainSettings:
    """What is trained, and how: a checkpoint of other settings is refused."""

    model: str
    data: str
    epochs: int
    batch_size: int
    learning_rate: float
    optimizer: str
    seed: int
    max_samples: int | None
    preprocessing: Preprocessing
    version: str = __version__


@dataclass(frozen=True, slots=True)
class TrainRecord:
    """`train.json`: what came out.

    Attributes:
        history: one entry an epoch: loss, accuracy, val_loss, val_accuracy, seconds.
        validation: metric on the validation split; test: on the test split, touched once, at the end.
    """

    model: str
    settings: TrainSettings
    data_source: str
    data_digest: str
    splits: dict[str, int]
    history: tuple[dict[str, float], ...]
    validation: EvaluationRecord | None
    test: EvaluationRecord | None
    num_params: int
    seconds: float
    versions: dict[str, str]
    facts: dict[str, str] = field(default_factory=dict)


def train_model(
    name: str,
    data: str | None,
    out: Path,
    *,
    seed: int = 0,
    epochs: int | None = None,
    batch_size: int | None = None,
    learning_rate: float | None = None,
    max_samples: int | None = None,
    overwrite: bool = False,
    progress: Callable[[str, int, int], None],
) -> TrainRecord:
    """Train a zoo model into `out/model.keras`; goes on from the last checkpoint of the same settings.

    Args:
        name: of the card.
        data: what `load_dataset` takes; None: the card's.
        out: folder for `model.keras`, `train.json`, `history.csv` and checkpoints.
        seed: of weights and batch order.
        epochs: default: the card's; likewise `batch_size` and `learning_rate`.
        max_samples: train on at most so many samples.
        overwrite: begin anew even if there is a model or a checkpoint.
        progress: called with (what, done, total).

    Raises:
        ModelCardError: no such model.
        RunExistsError: a finished model is there.
        ManifestError: a checkpoint of other settings is there.
        TrainingError: the loss is NaN.
    """
    card = find_model(name)
    settings = TrainSettings(
        model=card.name,
        data=data or card.data,
        epochs=card.training.epochs if epochs is None else epochs,
        batch_size=card.training.batch_size if batch_size is None else batch_size,
        learning_rate=card.training.learning_rate if learning_rate is None else learning_rate,
        optimizer=card.training.optimizer,
        seed=seed,
        max_samples=max_samples,
        preprocessing=card.preprocessing,
    )
    if settings.learning_rate <= 0.0:
        raise UsageError(
            "--learning-rate", found=f"{settings.learning_rate:g}", expected="above 0", next_step="give another value"
        )
    _make_folder(out)
    with folder_lock(out):
        _prepare_folder(out, settings, overwrite=overwrite)
        with Child(subject=f"training of {name}", environment={"KERAS_BACKEND": "tensorflow"}) as child:
            answer = child.call(
                "edgetool.training.loop:run",
                {"settings": to_builtins(settings), "out": str(out.resolve())},
                on_event=lambda event: progress(str(event["what"]), int(event["done"]), int(event["total"])),
            )
        record = parse(TrainRecord, answer, source=str(out), error=TrainingError)
        write_text(out / "history.csv", _csv(record.history))
        write_text(out / RECORD_NAME, to_json(record))
        for checkpoint in out.glob("checkpoint*"):
            checkpoint.unlink()
    return record


def _make_folder(out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise disk_error(exc, out) from None


def _prepare_folder(out: Path, settings: TrainSettings, *, overwrite: bool) -> None:
    if (out / RECORD_NAME).exists() and not overwrite:
        raise RunExistsError(
            str(out),
            found="a finished training",
            expected="a new folder",
            next_step="choose another -o/--out, or give --overwrite to train again",
        )
    path = out / SETTINGS_NAME
    if overwrite:
        for name in (RECORD_NAME, SETTINGS_NAME, "model.keras", "history.csv", "checkpoint.keras", "checkpoint.json"):
            (out / name).unlink(missing_ok=True)
    elif path.exists():
        changed = _changed(path, settings)
        if changed:
            raise ManifestError(
                str(out),
                found=f"a checkpoint of other settings ({', '.join(changed)})",
                expected="the settings that it was begun with",
                next_step="repeat the old command to go on, choose another -o/--out, or give --overwrite",
            )
    elif any(item.name != ".lock" for item in out.iterdir()):
        raise RunExistsError(
            str(out), found="a folder with other content", expected="a new folder", next_step="choose another -o/--out"
        )
    write_text(path, to_json(settings))


def _changed(path: Path, settings: TrainSettings) -> list[str]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as exc:
        raise ManifestError(
            str(path), found=f"unreadable settings ({exc})", expected="JSON", next_step="give --overwrite to begin anew"
        ) from None
    wanted: dict[str, Any] = json.loads(to_json(settings))
    return sorted(key for key in wanted if found.get(key) != wanted[key])


def _csv(history: tuple[dict[str, float], ...]) -> str:
    if not history:
        return ""
    keys = list(history[0])
    rows = [",".join(["epoch", *keys])]
    rows += [",".join([str(i), *(f"{entry[key]:.6g}" for key in keys)]) for i, entry in enumerate(history, 1)]
    return "\n".join(rows) + "\n"
