"""Train a model of the zoo: the parent's side, which starts the child and shows how it goes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from edgetool.errors import InterpreterCrashError, ManifestError, TrainingError, UsageError
from edgetool.runners.child import Child
from edgetool.schema import parse
from edgetool.training.folder import require_free
from edgetool.training.record import EpochRecord, TrainRecord
from edgetool.zoo import find_model

__all__ = ["train_model"]

TRAINING_ENVIRONMENT = {"KERAS_BACKEND": "tensorflow"}


def train_model(
    name: str,
    data: str | None,
    out: Path,
    *,
    epochs: int | None = None,
    batch_size: int | None = None,
    learning_rate: float | None = None,
    max_samples: int | None = None,
    seed: int = 0,
    overwrite: bool = False,
    label_column: str | None = None,
    image_size: tuple[int, int] | None = None,
    progress: Callable[[str, int, int], None] | None = None,
    on_epoch: Callable[[EpochRecord], None] | None = None,
) -> TrainRecord:
    """Train the zoo's model `name` and write `model.keras`, `train.json` and `history.csv` into the folder `out`.

    A run that was killed goes on from its last checkpoint when it is started again with the same arguments, and ends
    with the same weights as one that was not killed (on the same machine).

    Args:
        name: a model of the zoo.
        data: what `load_dataset` takes; None: the card's.
        out: the folder.
        epochs: of the whole run; None: the card's.
        batch_size: samples of one step; None: the card's.
        learning_rate: of the optimizer; None: the card's.
        max_samples: train on at most so many samples, a seeded choice; validation and test stay whole.
        seed: of the first weights and of the order of samples.
        overwrite: replace a finished run, or an unfinished one with other settings.
        label_column: target column of a table.
        image_size: height and width that the images of a folder are resized to.
        progress: called with (what, done, total) while work runs.
        on_epoch: called after each finished epoch.

    Raises:
        ModelCardError: no such model.
        RunExistsError: `out` has a finished run or other content.
        ManifestError: `out` has an unfinished run with other settings.
        TrainingError: the loss is not finite, or the process that trained died.
        EdgetoolError: the data cannot be loaded or does not fit the model; the disk is full.
    """
    card = find_model(name)
    _check_settings(epochs, batch_size, max_samples, learning_rate)
    require_free(out, overwrite=overwrite)
    params = {
        "name": name,
        "data": data or card.data,
        "out": str(out.resolve()),
        "epochs": epochs,
        "batch_size": batch_size,
        "learning_rate": learning_rate,
        "max_samples": max_samples,
        "seed": seed,
        "overwrite": overwrite,
        "label_column": label_column,
        "image_size": list(image_size) if image_size else None,
    }

    def show(event: dict[str, Any]) -> None:
        if "epoch" in event and on_epoch is not None:
            on_epoch(parse(EpochRecord, event["epoch"], source="epoch", error=ManifestError))
        if "what" in event and progress is not None:
            progress(str(event["what"]), int(event["done"]), int(event["total"]))

    with Child(subject=f"training of {name}", environment=TRAINING_ENVIRONMENT) as child:
        try:
            fields = child.call("edgetool.training.loop:train", params, on_event=show)
        except InterpreterCrashError as exc:
            raise TrainingError(
                exc.subject,
                found=exc.found,
                expected="a process that lives to the last epoch",
                next_step="the same command goes on from the last checkpoint; if memory ran out, give --batch-size",
            ) from None
    return parse(TrainRecord, fields, source="train.json", error=ManifestError)


def _check_settings(
    epochs: int | None, batch_size: int | None, max_samples: int | None, learning_rate: float | None
) -> None:
    for option, value in (("--epochs", epochs), ("--batch-size", batch_size), ("--max-samples", max_samples)):
        if value is not None and value < 1:
            raise UsageError(option, found=str(value), expected="1 or more", next_step="correct it")
    if learning_rate is not None and not 0.0 < learning_rate < float("inf"):
        raise UsageError("--learning-rate", found=f"{learning_rate:g}", expected="above 0", next_step="correct it")
