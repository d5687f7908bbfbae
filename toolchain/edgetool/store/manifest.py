"""The records of a run: what `manifest.json`, `measurements.jsonl` and `results.json` hold.

Every stage returns one of these frozen records; `report` reads nothing else. `SCHEMA_VERSION` changes with them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from edgetool.artifact import Artifact
from edgetool.store.failure import FailureRecord
from edgetool.store.head_record import HeadRecord
from edgetool.targets import Target

__all__ = [
    "SCHEMA_VERSION",
    "ArtifactRecord",
    "Decision",
    "EvaluationRecord",
    "HeadRecord",
    "InvariantRecord",
    "LatencyRecord",
    "LayerRecord",
    "Machine",
    "Manifest",
    "PairedComparison",
    "ParityRecord",
    "PassRecord",
    "Purpose",
    "RatioRecord",
    "RuntimeFit",
    "SizeRecord",
    "SkippedLayer",
    "SourceRecord",
    "StageRecord",
    "ValidationSplit",
]

SCHEMA_VERSION = 2

#: What an artefact is chosen for.
Purpose = Literal["recommended", "smallest", "fastest"]


@dataclass(frozen=True, slots=True)
class SkippedLayer:
    """A layer that a step left alone, and why."""

    layer: str
    step: str
    reason: str


@dataclass(frozen=True, slots=True)
class SizeRecord:
    """Bytes of an artefact as it lies, and compressed by gzip -9 and Zstandard (`store.sizes.ZSTD_LEVEL`)."""

    raw: int
    gzip: int
    zstd: int


@dataclass(frozen=True, slots=True)
class ParityRecord:
    """How far the outputs of `artifact` are from those of `reference`, on the same inputs.

    Attributes:
        kind: `float` compares by absolute and relative error; `quantized` by agreement and SQNR; `runtimes` compares
            the TFLite and the ONNX file of one recipe.
        num_samples: how many inputs were compared.
        split: the data split they come from (never the test split).
        max_abs_error: largest absolute difference of an output element.
        max_rel_error: largest |a - b| / max(|b|, 1e-3 * max|b|).
        sqnr_db: signal to quantisation noise, 10 log10(sum b^2 / sum (a - b)^2), one for each output.
        top1_agreement: share of samples with the same arg-max, 0..1; None where there are no classes.
        tolerance: the stated limit that `passed` was decided by, in words.
        worst_output: index of the output with the largest absolute difference.
        worst_sample: index of the sample where that is.
        reason: what broke the tolerance, in words; empty where `passed`.
    """

    reference: str
    artifact: str
    kind: Literal["float", "quantized", "runtimes"]
    split: str
    num_samples: int
    max_abs_error: float
    max_rel_error: float
    sqnr_db: tuple[float, ...]
    top1_agreement: float | None
    tolerance: str
    passed: bool
    worst_output: int = 0
    worst_sample: int = 0
    reason: str = ""


@dataclass(frozen=True, slots=True)
class InvariantRecord:
    """One property that a pass ensured, checked again in the exported file."""

    layer: str
    kind: Literal["sparsity", "num_clusters", "n_of_m", "nonzero"]
    expected: float
    found: float
    passed: bool
    tensor: str = ""


@dataclass(frozen=True, slots=True)
class PairedComparison:
    """The answers of an artefact against those of the source model on the same samples.

    Attributes:
        num_changed: samples with another answer.
        num_fixed: wrong before, right now.
        num_broken: right before, wrong now.
        mcnemar_p: two-sided exact McNemar test on (fixed, broken); for metrics of errors this is the sign test on
            samples with a smaller and a larger error.
        mean_difference: artefact minus reference: of the shares right, of the AUC, or of the mean error per sample (the
            squared error for `rmse` and `r2`).
        difference_standard_error: of `mean_difference`, from the paired samples.
        difference_p: two-sided p-value of `test` that `mean_difference` is 0.
    """

    reference: str
    num_samples: int
    num_changed: int
    num_fixed: int
    num_broken: int
    mcnemar_p: float
    mean_difference: float | None = None
    difference_standard_error: float | None = None
    difference_p: float | None = None
    test: str = ""


@dataclass(frozen=True, slots=True)
class EvaluationRecord:
    """A task metric of one artefact on one split, measured with the file itself.

    Attributes:
        metric: `accuracy`, `auc`, `mae`, `mse`, ...
        value: in the metric's own unit; accuracy and AUC are shares, 0..1.
        standard_error: of `value`; how it was found is in `method`.
        per_class: accuracy of each class, in class order, -1 for a class without samples, or of generated images the
            share that is taken for each class; empty where there are none.
        heads: of a model with several outputs, those behind the first one.
    """

    split: str
    num_samples: int
    metric: str
    value: float
    standard_error: float
    method: str
    runtime: str
    per_class: tuple[float, ...] = ()
    class_names: tuple[str, ...] = ()
    paired: PairedComparison | None = None
    heads: tuple[HeadRecord, ...] = ()


@dataclass(frozen=True, slots=True)
class RatioRecord:
    """A ratio of two latencies with its 95 % bootstrap interval."""

    reference: str
    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class LatencyRecord:
    """Latency of one artefact in one setting. All times of one inference of `batch` samples, in nanoseconds.

    Attributes:
        num_threads: intra-op threads that the runtime was given.
        pinned_cpus: CPUs the process was pinned to; empty: not pinned.
        mlperf_p90_ns: MLPerf's rule, the median over 5 windows of each window's 90th percentile; None if not asked.
        throughput_per_s: samples per second, batch / mean latency.
        peak_rss_bytes: of the child process that ran this artefact alone.
        ratio: to the float32 artefact of the same format, interleaved in the same run.
        noise: `quiet`, `noisy` or `unusable`, with the reason in `noise_reason`.
        node_providers: ONNX nodes per execution provider; empty for LiteRT.
        energy_per_inference_j: joules of one inference; None: not measured.
        energy_method: what measured it, or why nothing did.
    """

    device: str
    runtime: str
    num_threads: int
    batch: int
    pinned_cpus: tuple[int, ...]
    num_warmup: int
    num_samples: int
    min_ns: float
    mean_ns: float
    p50_ns: float
    p90_ns: float
    p95_ns: float
    p99_ns: float
    max_ns: float
    std_ns: float
    throughput_per_s: float
    load_ns: float
    peak_rss_bytes: int
    noise: Literal["quiet", "noisy", "unusable"]
    noise_reason: str
    mlperf_p90_ns: float | None = None
    ratio: RatioRecord | None = None
    node_providers: dict[str, int] = field(default_factory=dict)
    energy_per_inference_j: float | None = None
    energy_method: str = ""


@dataclass(frozen=True, slots=True)
class LayerRecord:
    """One operator of an artefact, as `inspect` sees it."""

    name: str
    op: str
    num_params: int
    num_bytes: int
    macs: int
    sparsity: float
    num_unique: int
    dtype: str


@dataclass(frozen=True, slots=True)
class PassRecord:
    """What one pass did."""

    name: str
    modified: bool
    seconds: float
    facts: dict[str, float | int | str | bool]


@dataclass(frozen=True, slots=True)
class RuntimeFit:
    """What an artefact takes on one runtime of the target.

    Attributes:
        runtime: a name of `edgetool.targets.RUNTIMES`.
        flash_bytes: of the file, or of the constants of generated C; the program's code comes on top.
        ram_bytes: of activations.
        refusal: why the artefact cannot run there; empty where it can.
    """

    runtime: str
    flash_bytes: int
    ram_bytes: int
    refusal: str = ""


@dataclass(frozen=True, slots=True)
class ArtifactRecord:
    """Everything known about one artefact of a run.

    Attributes:
        name: `<recipe>.<format>`, unique in the run.
        is_reference: the float artefact that others are compared with.
        arena_bytes: planned peak activation memory.
        validation: the metric on the validation split, which decisions are made by; the test split only reports.
        evaluation: the metric on the test split.
        fits: what it takes on each runtime of the target.
        failure: what kept the file from being verified, evaluated or measured.
        notes: sentences for the report, for example where a format cannot store what a pass did.
    """

    name: str
    recipe: str
    artifact: Artifact
    size: SizeRecord
    macs: int
    num_params: int
    arena_bytes: int
    layers: tuple[LayerRecord, ...]
    is_reference: bool = False
    parity: tuple[ParityRecord, ...] = ()
    invariants: tuple[InvariantRecord, ...] = ()
    validation: EvaluationRecord | None = None
    evaluation: EvaluationRecord | None = None
    latency: tuple[LatencyRecord, ...] = ()
    fits: tuple[RuntimeFit, ...] = ()
    failure: FailureRecord | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SourceRecord:
    """The model that came in, and how it did on the test split in its own framework."""

    path: str
    format: str
    digest: str
    num_bytes: int
    num_params: int
    validation: EvaluationRecord | None = None
    evaluation: EvaluationRecord | None = None


@dataclass(frozen=True, slots=True)
class Machine:
    """The machine that measured."""

    system: str
    cpu: str
    num_cpus: int
    isa: tuple[str, ...]
    memory_bytes: int
    gpu: str
    python: str
    versions: dict[str, str]


@dataclass(frozen=True, slots=True)
class StageRecord:
    """One finished stage of a run: its key (inputs and parameters, hashed), so that a resumed run can skip it."""

    name: str
    key: str
    seconds: float
    finished: str
    passes: tuple[PassRecord, ...] = ()
    skipped_layers: tuple[SkippedLayer, ...] = ()


@dataclass(frozen=True, slots=True)
class Decision:
    """The artefact chosen for one purpose, and why.

    Attributes:
        purpose: `recommended`, `smallest` or `fastest`.
        artifact: its name; None where none fits.
        reason: one sentence with the numbers.
        runtime: of the target that it runs on; empty where none fits.
    """

    purpose: Purpose
    artifact: str | None
    reason: str
    runtime: str = ""


@dataclass(frozen=True, slots=True)
class ValidationSplit:
    """The samples that decisions are made on.

    Attributes:
        num_samples: how many.
        num_answers: labels that count: as many, or more where there is one a position.
        is_carved: taken from the training data; false: given.
        is_seen: the model may have been trained on them.
    """

    num_samples: int
    num_answers: int
    is_carved: bool
    is_seen: bool


@dataclass(frozen=True, slots=True)
class Manifest:
    """`manifest.json`: the whole run.

    Attributes:
        status: `failed`: it came to its end, and the same command tries again what failed for want of memory or room.
        target: name of the device that artefacts are to fit.
        device: that device with its figures, as they were when the run began.
        decided_on: the validation split; None: no validation labels.
        failures: of recipes and exports that left no artefact; an artefact holds its own.
    """

    schema_version: int
    edgetool_version: str
    command: str
    run_key: str
    created: str
    status: Literal["running", "complete", "failed"]
    seed: int
    recipes: tuple[str, ...]
    target: str
    max_drop_points: float
    data: dict[str, str]
    source: SourceRecord | None
    machine: Machine | None
    stages: tuple[StageRecord, ...] = ()
    artifacts: tuple[ArtifactRecord, ...] = ()
    decisions: tuple[Decision, ...] = ()
    device: Target | None = None
    decided_on: ValidationSplit | None = None
    notes: tuple[str, ...] = ()
    failures: tuple[FailureRecord, ...] = ()
