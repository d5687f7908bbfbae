"""The records of a training run: `train.json`, `history.csv` and the state beside a checkpoint."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, field

from edgetool.store.manifest import EvaluationRecord, Machine

__all__ = ["TRAIN_SCHEMA_VERSION", "EpochRecord", "TrainRecord", "TrainSettings", "TrainState", "history_csv"]

TRAIN_SCHEMA_VERSION = 1


@dataclass(frozen=True, slots=True)
class TrainSettings:
    """Everything that decides which weights come out: a resumed run must have the same.

    Attributes:
        model: the card's name.
        data: the data set's name.
        data_digest: SHA-256 of what it was read from.
        max_samples: train on at most so many samples, a seeded choice; None: all.
        preprocessing: the formula, in words.
    """

    model: str
    data: str
    data_digest: str
    num_train_samples: int
    max_samples: int | None
    preprocessing: str
    loss: str
    optimizer: str
    learning_rate: float
    batch_size: int
    epochs: int
    seed: int


@dataclass(frozen=True, slots=True)
class EpochRecord:
    """One finished epoch; accuracies are shares, 0..1, and None for tasks without classes.

    Attributes:
        epoch: counted from 1.
        loss: mean over the epoch's batches, while the weights moved.
        seconds: wall time of the epoch, its validation included.
    """

    epoch: int
    loss: float
    accuracy: float | None
    val_loss: float | None
    val_accuracy: float | None
    seconds: float


@dataclass(frozen=True, slots=True)
class TrainState:
    """`state.json` of a run in progress.

    Attributes:
        settings: as the run began.
        history: finished epochs.
        checkpoint: name of the newest checkpoint file; empty before the first.
        num_resumes: how often the run was taken up again.
    """

    settings: TrainSettings
    history: tuple[EpochRecord, ...] = ()
    checkpoint: str = ""
    num_resumes: int = 0


@dataclass(frozen=True, slots=True)
class TrainRecord:
    """`train.json`: written last, so that a folder that has it is complete.

    Attributes:
        model: the card's name; `compress` finds the card by it.
        model_digest: SHA-256 of `model.keras`.
        splits: samples in each split that exists; `train` is what was trained on.
        seconds: wall time of all epochs, without the time between a kill and the resume.
        device: `cpu`, or the GPU's name.
        validation: of the final weights.
        test: of the final weights; touched once, here.
    """

    schema_version: int
    edgetool_version: str
    model: str
    settings: TrainSettings
    data_source: str
    class_names: tuple[str, ...]
    splits: dict[str, int]
    facts: dict[str, str]
    num_params: int
    model_digest: str
    seconds: float
    num_resumes: int
    device: str
    machine: Machine
    history: tuple[EpochRecord, ...]
    validation: EvaluationRecord | None = None
    test: EvaluationRecord | None = None
    notes: tuple[str, ...] = field(default_factory=tuple)


def history_csv(history: tuple[EpochRecord, ...]) -> str:
    """Return the history as CSV with a header; empty cells where a figure does not exist."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    columns = ("epoch", "loss", "accuracy", "val_loss", "val_accuracy", "seconds")
    writer.writerow(columns)
    for epoch in history:
        values = [getattr(epoch, column) for column in columns]
        writer.writerow(["" if value is None else value for value in values])
    return out.getvalue()
