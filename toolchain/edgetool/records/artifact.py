"""What is known of one artefact of a run."""

from __future__ import annotations

from dataclasses import dataclass

from edgetool.artifact import Artifact
from edgetool.records.evaluation import EvaluationRecord
from edgetool.records.failure import FailureRecord
from edgetool.records.invariant import InvariantRecord
from edgetool.records.latency import LatencyRecord
from edgetool.records.parity import ParityRecord
from edgetool.records.weights import WeightFormat, WeightsRecord

__all__ = ["ArtifactRecord", "LayerRecord", "RuntimeFit", "SizeRecord"]


@dataclass(frozen=True, slots=True)
class SizeRecord:
    """Bytes of an artefact as it lies, and compressed by gzip -9 and Zstandard (`store.sizes.ZSTD_LEVEL`)."""

    raw: int
    gzip: int
    zstd: int


@dataclass(frozen=True, slots=True)
class LayerRecord:
    """One operator of an artefact, as `inspect` sees it.

    Attributes:
        dtype: of its largest constant, or of its output where it has none.
        weights: the format of its largest constant; None where it has none.
    """

    name: str
    op: str
    num_params: int
    num_bytes: int
    macs: int
    dtype: str
    weights: WeightFormat | None = None


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

    @property
    def runs(self) -> bool:
        """Whether the artefact can run there."""
        return not self.refusal


@dataclass(frozen=True, slots=True)
class ArtifactRecord:
    """Everything known about one artefact of a run.

    Attributes:
        name: `<recipe>.<format>`, unique in the run.
        trial: what made it: a hash of model, data, passes and training, whatever the recipe is called.
        is_reference: the float artefact that others are compared with.
        arena_bytes: planned peak activation memory.
        validation: the metric on the validation split, which decisions are made by; the test split only reports.
        evaluation: the metric on the test split.
        fits: what it takes on each runtime of the target.
        weights: what was asked of them, and what the file has.
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
    trial: str = ""
    is_reference: bool = False
    parity: tuple[ParityRecord, ...] = ()
    invariants: tuple[InvariantRecord, ...] = ()
    validation: EvaluationRecord | None = None
    evaluation: EvaluationRecord | None = None
    latency: tuple[LatencyRecord, ...] = ()
    fits: tuple[RuntimeFit, ...] = ()
    failure: FailureRecord | None = None
    weights: WeightsRecord | None = None
    notes: tuple[str, ...] = ()

    @property
    def identity(self) -> str:
        """What tells the artefact from every other one, also of another run."""
        return f"{self.trial or self.recipe}.{self.artifact.format}"
