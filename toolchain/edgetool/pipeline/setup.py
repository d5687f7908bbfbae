"""What goes to the workshop of `compress`, and what comes back from it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from edgetool.artifact import Format
from edgetool.data.preprocess import Preprocessing
from edgetool.ir.input_shapes import InputShape
from edgetool.passes.base import TrainingSettings
from edgetool.records import ArtifactRecord, PassRecord, SkippedLayer, ValidationSplit
from edgetool.tasks import Task

__all__ = ["Built", "Exported", "Identity", "Prepared", "Setup"]


@dataclass(frozen=True, slots=True)
class Setup:
    """What is compressed, on which data, how it is trained: the input of every call.

    Attributes:
        model: what `import_model` takes: a file, a SavedModel folder, or `module:function`.
        data: what `load_dataset` takes; None: no data, which is enough for recipes that need none.
        cache: folder for prepared arrays.
        training: fine-tuning; its loss is replaced by what the model's outputs and the labels ask for, if unset.
        task: of the card; None: inferred from the model and the labels.
        metric: of the card; None: the task's usual one.
        input_shapes: of inputs that leave dimensions open, and of a PyTorch module that comes without an example.
        transpose: data are `[N, C, ...]`; their channels are moved to the last axis.
        accept_source: go on although the source model's own answers are not believable.
        max_test_samples: accuracy is measured on at most so many samples, drawn with a fixed seed; None: all.
        is_scored: whether files are evaluated; without, labels are needed for training only.
        num_calibration_samples: of the training split, where that is all it is for; None: it is kept whole.
    """

    model: str
    data: str | None
    cache: str
    seed: int = 0
    trust: bool = False
    label_column: str | None = None
    image_size: tuple[int, int] | None = None
    preprocessing: Preprocessing = field(default_factory=Preprocessing)
    training: TrainingSettings = field(default_factory=TrainingSettings)
    task: str | None = None
    metric: str | None = None
    input_shapes: tuple[InputShape, ...] = ()
    max_test_samples: int | None = None
    is_scored: bool = True
    num_calibration_samples: int | None = None
    transpose: bool = False
    accept_source: bool = False


@dataclass(frozen=True, slots=True)
class Identity:
    """What tells one source model from another. `num_bytes` is 0 for what lies in no file."""

    format: Format
    digest: str
    num_bytes: int


@dataclass(frozen=True, slots=True)
class Prepared:
    """What `prepare` found.

    Attributes:
        runtime: what ran the source model.
        unavailable: export format -> why the model cannot become that, and what to give instead.
        splits: samples in each split that exists.
        facts: what the importer and the loader have to say.
        decided_on: the validation split; None without labels.
        labels: `source`: the source model's answers stand in for labels that are missing.
    """

    num_params: int
    source_format: str
    runtime: str
    unavailable: dict[str, str]
    task: Task
    data_name: str
    data_source: str
    data_digest: str
    class_names: tuple[str, ...]
    splits: dict[str, int]
    parity_split: str
    facts: dict[str, str]
    decided_on: ValidationSplit | None = None
    labels: Literal["data", "source"] = "data"


@dataclass(frozen=True, slots=True)
class Built:
    """What one recipe gave. `failures` maps a format to the fields of the error that kept it from being made."""

    passes: tuple[PassRecord, ...]
    skipped: tuple[SkippedLayer, ...]
    artifacts: tuple[ArtifactRecord, ...]
    failures: dict[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Exported:
    """A file that was written, and the samples in words that it was compared with its source on."""

    record: ArtifactRecord
    samples: str
