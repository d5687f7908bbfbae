"""Train a model: the parent's side, which starts the child and shows how it goes."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from edgetool.data.load import is_function, require_data
from edgetool.data.options import parse_image_size
from edgetool.errors import InterpreterCrashError, ManifestError, TrainingError, UsageError
from edgetool.options.commands import TrainOptions
from edgetool.runners.child import Child
from edgetool.schema import parse, to_builtins
from edgetool.training.backends import child_environment, require_backend
from edgetool.training.builder import card_of
from edgetool.training.folder import require_free
from edgetool.training.record import EpochRecord, TrainRecord
from edgetool.training.request import TrainRequest, apply_options, check_request
from edgetool.zoo import ModelCard, require_trains

if TYPE_CHECKING:
    from edgetool.runners.child import Event

__all__ = ["model_folder", "train_model"]


def train_model(
    options: TrainOptions,
    *,
    progress: Callable[[str, int, int], None] | None = None,
    on_epoch: Callable[[EpochRecord], None] | None = None,
) -> TrainRecord:
    """Train a model and write `model.keras`, `train.json`, `history.csv` and `logs/` into a folder.

    A run that was killed goes on from its last checkpoint when it is started again with the same options, and ends
    with the same weights as one that was not killed (on the same machine).

    Args:
        options: The options as the user typed them; the folder is `model_folder(options)`.
        progress: called with (what, done, total) while work runs.
        on_epoch: called after each finished epoch.

    Raises:
        ModelCardError: no such model.
        UsageError: options that make no sense, or not together; a model that is there for its size alone.
        MissingDependencyError: the backend is not installed.
        DeviceUnavailableError: the device is not there.
        RunExistsError: the folder has a finished run or other content.
        ManifestError: the folder has an unfinished run with other settings.
        TrainingError: the loss is not finite, the checkpoint does not fit, or the process that trained died.
        EdgetoolError: the data cannot be loaded or does not fit the model; the disk is full.
    """
    card = card_of(options.name, options.model)
    require_trains(card)
    folder = model_folder(options)
    request = TrainRequest(
        name=options.name,
        data=_data_of(card, options.data.data),
        out=str(folder.resolve()),
        recipe=options.recipe,
        model=options.model,
        compute=options.compute,
        max_samples=options.max_samples,
        seed=options.run.seed,
        overwrite=options.run.overwrite,
        label_column=options.data.label_column,
        image_size=parse_image_size(options.data.image_size),
    )
    check_request(request, has_card=not is_function(options.name))
    apply_options(card.training, request.recipe)
    require_data(request.data)
    require_backend(request.compute.backend)
    require_free(folder, overwrite=request.overwrite)
    return _run(request, progress, on_epoch)


def model_folder(options: TrainOptions) -> Path:
    """Return the folder that a training run writes into: `out`, or one called after the model."""
    return Path(options.run.out or f"{re.sub('[.:]', '-', options.name)}-model")


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
    def show(event: Event) -> None:
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
