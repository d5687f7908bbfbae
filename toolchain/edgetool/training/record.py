"""The records of a training run: `train.json`, `history.csv` and the state beside a checkpoint."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, field

from edgetool.data.preprocess import Preprocessing
from edgetool.records import EvaluationRecord, Machine

__all__ = [
    "TRAIN_SCHEMA_VERSION",
    "CostRecord",
    "EpochCost",
    "EpochRecord",
    "TrainRecord",
    "TrainSettings",
    "TrainState",
    "history_csv",
]

TRAIN_SCHEMA_VERSION = 2


@dataclass(frozen=True, slots=True)
class TrainSettings:
    """Everything that decides which weights come out: a resumed run must have the same.

    Attributes:
        model: the card's name, or `module:build`.
        data: the data set's name.
        data_digest: SHA-256 of what it was read from.
        max_samples: train on at most so many samples, a seeded choice; None: all.
        preprocessing: the formula, in words.
        schedule: from here to `with_validation` as in `edgetool.zoo.TrainingRecipe`.
        device: `cpu` or `gpu`.
        num_devices: that share each batch.
        precision: of the products.
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
    schedule: str = "constant"
    warmup_epochs: float = 0.0
    weight_decay: float = 0.0
    beta_2: float = 0.999
    label_smoothing: float = 0.0
    augmentation: tuple[str, ...] = ()
    patience: int = 0
    balanced: bool = False
    with_validation: bool = False
    procedure: str = "fit"
    backend: str = "tensorflow"
    device: str = "cpu"
    num_devices: int = 1
    precision: str = "float32"


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
class EpochCost:
    """What one epoch took.

    Attributes:
        train_seconds: wall time of its steps, without its validation.
        energy_joules: of the whole epoch; None where no counter can be read.
        peak_memory_bytes: that the process, or the fullest GPU, had held at once by its end.
    """

    train_seconds: float
    energy_joules: float | None
    peak_memory_bytes: int


@dataclass(frozen=True, slots=True)
class CostRecord:
    """What the training took.

    Attributes:
        seconds: wall time of all epochs, validation included.
        device: the model of the CPU or GPU.
        num_devices: that shared each batch.
        peak_memory_bytes: see `peak_memory_method`.
        energy_joules: of all epochs; None: see `energy_method`.
        energy_method: by what it was measured, or why it was not.
        macs_per_sample: of one forward pass; None where a layer's are not known.
        flops_per_step: see `flops_method`; None where `macs_per_sample` is.
        samples_per_second: see `edgetool.training.cost.samples_per_second`.
    """

    seconds: float
    device: str
    num_devices: int
    peak_memory_bytes: int
    peak_memory_method: str
    energy_joules: float | None
    energy_method: str
    macs_per_sample: int | None
    flops_per_step: int | None
    flops_method: str
    samples_per_second: float


@dataclass(frozen=True, slots=True)
class TrainState:
    """`state.json` of a run in progress.

    Attributes:
        settings: as the run began.
        history: finished epochs.
        checkpoint: name of the newest checkpoint file; empty before the first.
        num_resumes: how often the run was taken up again.
        costs: of the finished epochs.
        architecture: SHA-256 of the model's configuration.
    """

    settings: TrainSettings
    history: tuple[EpochRecord, ...] = ()
    checkpoint: str = ""
    num_resumes: int = 0
    costs: tuple[EpochCost, ...] = ()
    architecture: str = ""


@dataclass(frozen=True, slots=True)
class TrainRecord:
    """`train.json`: written last, so that a folder that has it is complete.

    Attributes:
        model: the card's name, by which `compress` finds the card, or `module:build`.
        model_digest: SHA-256 of `model.keras`.
        splits: samples in each split that exists; `train` is what was trained on.
        seconds: wall time of all epochs, without the time between a kill and the resume.
        device: `cpu`, or the GPU's name.
        best_epoch: whose weights were taken; the last one without early stopping.
        cost: time, memory, energy, arithmetic.
        validation: of the final weights.
        test: of the final weights; touched once, here.
        task: from here on what `compress` needs of a model without a card.
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
    best_epoch: int
    cost: CostRecord
    validation: EvaluationRecord | None = None
    test: EvaluationRecord | None = None
    notes: tuple[str, ...] = field(default_factory=tuple)
    task: str = ""
    metric: str = ""
    preprocessing: Preprocessing = field(default_factory=Preprocessing)


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
