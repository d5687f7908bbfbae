"""Train a model: the parent's side, which starts the child and shows how it goes."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

from edgetool.data.load import is_function, require_data
from edgetool.errors import InterpreterCrashError, ManifestError, TrainingError, UsageError
from edgetool.runners.child import Child
from edgetool.schema import parse, to_builtins
from edgetool.training.backends import child_environment, require_backend
from edgetool.training.builder import card_of
from edgetool.training.folder import require_free
from edgetool.training.record import EpochRecord, TrainRecord
from edgetool.training.request import (
    ComputeOptions,
    ModelOptions,
    RecipeOptions,
    TrainRequest,
    apply_options,
    check_request,
)
from edgetool.zoo import ModelCard, require_trains

__all__ = ["train_model"]


def train_model(
    name: str,
    data: str | None,
    out: Path,
    *,
    epochs: int | None = None,
    batch_size: int | None = None,
    learning_rate: float | None = None,
    recipe: RecipeOptions | None = None,
    model: ModelOptions | None = None,
    compute: ComputeOptions | None = None,
    max_samples: int | None = None,
    seed: int = 0,
    overwrite: bool = False,
    label_column: str | None = None,
    image_size: tuple[int, int] | None = None,
    progress: Callable[[str, int, int], None] | None = None,
    on_epoch: Callable[[EpochRecord], None] | None = None,
) -> TrainRecord:
    """Train `name` and write `model.keras`, `train.json`, `history.csv` and `logs/` into the folder `out`.

    A run that was killed goes on from its last checkpoint when it is started again with the same arguments, and ends
    with the same weights as one that was not killed (on the same machine).

    Args:
        name: a model of the zoo, or `module:build`.
        data: what `load_dataset` takes; None: the card's.
        out: the folder.
        epochs: of the whole run; None: the card's. The options that are given most often need no record of their own.
        batch_size: samples of one step; None: the card's.
        learning_rate: of the optimizer; None: the card's.
        recipe: what else replaces the card's training recipe.
        model: what a card would say, for `module:build`.
        compute: backend, device, precision.
        max_samples: train on at most so many samples, a seeded choice; validation and test stay whole.
        seed: of the first weights and of everything that an epoch draws.
        overwrite: replace a finished run, or an unfinished one with other settings.
        label_column: target column of a table.
        image_size: height and width that the images of a folder are resized to.
        progress: called with (what, done, total) while work runs.
        on_epoch: called after each finished epoch.

    Raises:
        ModelCardError: no such model.
        UsageError: options that make no sense, or not together; a model that is there for its size alone.
        MissingDependencyError: the backend is not installed.
        DeviceUnavailableError: the device is not there.
        RunExistsError: `out` has a finished run or other content.
        ManifestError: `out` has an unfinished run with other settings.
        TrainingError: the loss is not finite, the checkpoint does not fit, or the process that trained died.
        EdgetoolError: the data cannot be loaded or does not fit the model; the disk is full.
    """
    given = {"epochs": epochs, "batch_size": batch_size, "learning_rate": learning_rate}
    frequent = {key: value for key, value in given.items() if value is not None}
    card = card_of(name, model or ModelOptions())
    require_trains(card)
    request = TrainRequest(
        name=name,
        data=_data_of(card, data),
        out=str(out.resolve()),
        recipe=dataclasses.replace(recipe or RecipeOptions(), **frequent),  # type: ignore[arg-type]
        model=model or ModelOptions(),
        compute=compute or ComputeOptions(),
        max_samples=max_samples,
        seed=seed,
        overwrite=overwrite,
        label_column=label_column,
        image_size=image_size,
    )
    check_request(request, has_card=not is_function(name))
    apply_options(card.training, request.recipe)
    require_data(request.data)
    require_backend(request.compute.backend)
    require_free(out, overwrite=overwrite)
    return _run(request, progress, on_epoch)


def _data_of(card: ModelCard, data: str | None) -> str:
    found = data or card.data
    if not found:
        raise UsageError(
            "--data",
            found=f"no data for {card.name}",
            expected="what to train on: its card names none",
            next_step="give --data",
        )
    return found


def _run(
    request: TrainRequest,
    progress: Callable[[str, int, int], None] | None,
    on_epoch: Callable[[EpochRecord], None] | None,
) -> TrainRecord:
    def show(event: dict[str, Any]) -> None:
        if "epoch" in event and on_epoch is not None:
            on_epoch(parse(EpochRecord, event["epoch"], source="epoch", error=ManifestError))
        if "what" in event and progress is not None:
            progress(str(event["what"]), int(event["done"]), int(event["total"]))

    with Child(subject=f"training of {request.name}", environment=child_environment(request.compute)) as child:
        try:
            fields = child.call("edgetool.training.loop:train", {"request": to_builtins(request)}, on_event=show)
        except InterpreterCrashError as exc:
            raise TrainingError(
                exc.subject,
                found=exc.found,
                expected="a process that lives to the last epoch",
                next_step="the same command goes on from the last checkpoint; if memory ran out, give --batch-size",
            ) from None
    return parse(TrainRecord, fields, source="train.json", error=ManifestError)
