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
        model: The card's name, or `module:build`.
        data: The data set's name.
        data_digest: The SHA-256 of the data's source.
        max_samples: The largest number of samples to train on, chosen by the seed; None for all.
        preprocessing: The formula of preprocessing, in words.
        schedule: The schedule of the learning rate; this and the fields up to `with_validation` are `TrainingRecipe`'s.
        device: The kind of device, `cpu` or `gpu`.
        num_devices: The number of devices that share each batch.
        precision: The precision of products.
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
        train_seconds: The wall time of the epoch's steps, without validation.
        energy_joules: The energy of the whole epoch; None if no counter can be read.
        peak_memory_bytes: The most bytes that the process, or the fullest GPU, had held at once by the epoch's end.
    """

    train_seconds: float
    energy_joules: float | None
    peak_memory_bytes: int


@dataclass(frozen=True, slots=True)
class CostRecord:
    """What the training took.

    Attributes:
        seconds: The wall time of all epochs, validation included.
        device: The model of the CPU or GPU.
        num_devices: The number of devices that shared each batch.
        peak_memory_bytes: The peak of memory; `peak_memory_method` says how it was measured.
        energy_joules: The energy of all epochs; if it is None, `energy_method` says why.
        energy_method: The counter that measured energy, or the reason why none did.
        macs_per_sample: The multiply-accumulates of one forward pass; None if those of a layer are unknown.
        flops_per_step: The operations of a step, as `flops_method` explains; None if `macs_per_sample` is None.
        samples_per_second: The speed, as `edgetool.training.cost.samples_per_second` defines it.
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
        settings: The settings with which the run began.
        history: The finished epochs.
        checkpoint: The name of the newest checkpoint file; empty before the first.
        num_resumes: The number of times that the run was taken up again.
        costs: The cost of each finished epoch.
        architecture: The SHA-256 of the model's configuration.
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
        model: The card's name, by which `compress` finds the card, or `module:build`.
        model_digest: The SHA-256 of `model.keras`.
        splits: The number of samples in each split; `train` is the split that was trained on.
        seconds: The wall time of all epochs, without the time between a kill and the resume.
        device: The name of the GPU, or `cpu`.
        best_epoch: The epoch whose weights were taken: the last one without early stopping.
        cost: The time, memory, energy and arithmetic that training took.
        validation: The metric of the final weights on the validation split.
        test: The metric of the final weights on the test split, which is touched once, here.
        task: The task. From here on the fields are those that `compress` needs for a model without a card.
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
