"""`results.json` and `results.csv`: every figure for other programs. `RESULTS_VERSION` changes with the schema."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from edgetool.records import (
    DataRecord,
    Decision,
    EvaluationRecord,
    FailureRecord,
    InvariantRecord,
    LatencyRecord,
    LayerRecord,
    Machine,
    ParityRecord,
    SizeRecord,
    SourceRecord,
    StageRecord,
    failures_of,
)
from edgetool.report.answer import Answer
from edgetool.report.collect import Run
from edgetool.report.row import Drop, Row
from edgetool.version import __version__

__all__ = ["CSV_COLUMNS", "RESULTS_VERSION", "Results", "make_results", "to_csv"]

RESULTS_VERSION = 3


@dataclass(frozen=True, slots=True)
class ArtifactResult:
    """One artefact: what the manifest has, and what follows from it.

    Attributes:
        path: relative to the run folder.
        size_ratio: bytes over those of `reference`, the float32 artefact of the same format.
        drop: on the test split; `validation_drop` is what decisions are made by.
        passed: nothing failed: no parity, no invariant, no run.
    """

    name: str
    recipe: str
    format: str
    path: str
    digest: str
    chosen_as: tuple[str, ...]
    is_reference: bool
    passed: bool
    problems: tuple[str, ...]
    size: SizeRecord
    size_ratio: float | None
    reference: str | None
    num_params: int
    macs: int
    arena_bytes: int
    test: EvaluationRecord | None
    drop: Drop | None
    validation: EvaluationRecord | None
    validation_drop: Drop | None
    latency: tuple[LatencyRecord, ...]
    parity: tuple[ParityRecord, ...]
    invariants: tuple[InvariantRecord, ...]
    layers: tuple[LayerRecord, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RunResult:
    """One run folder.

    Attributes:
        failures: sentences for people; `failure_records` are the facts.
    """

    name: str
    command: str
    created: str
    status: str
    seed: int
    target: str
    max_drop_points: float
    metric: str
    data: DataRecord | None
    source: SourceRecord | None
    machine: Machine | None
    answer: Answer
    decisions: tuple[Decision, ...]
    failures: tuple[str, ...]
    failure_records: tuple[FailureRecord, ...]
    notes: tuple[str, ...]
    stages: tuple[StageRecord, ...]
    artifacts: tuple[ArtifactResult, ...]


@dataclass(frozen=True, slots=True)
class Results:
    """`results.json`."""

    schema: Literal["edgetool-results"]
    schema_version: int
    edgetool_version: str
    runs: tuple[RunResult, ...]


def make_results(runs: Sequence[Run]) -> Results:
    """Return the results of runs."""
    return Results("edgetool-results", RESULTS_VERSION, __version__, tuple(_run(run) for run in runs))


def _run(run: Run) -> RunResult:
    manifest = run.manifest
    return RunResult(
        name=run.name,
        command=manifest.command,
        created=manifest.created,
        status=manifest.status,
        seed=manifest.seed,
        target=manifest.target,
        max_drop_points=manifest.max_drop_points,
        metric=run.metric,
        data=manifest.data,
        source=manifest.source,
        machine=manifest.machine,
        answer=run.answer,
        decisions=manifest.decisions,
        failures=run.failures,
        failure_records=failures_of(manifest),
        notes=run.notes,
        stages=manifest.stages,
        artifacts=tuple(_artifact(row) for row in run.rows),
    )


def _artifact(row: Row) -> ArtifactResult:
    record = row.record
    return ArtifactResult(
        name=record.name,
        recipe=record.recipe,
        format=record.artifact.format,
        path=record.artifact.path,
        digest=record.artifact.digest,
        chosen_as=row.chosen_as,
        is_reference=record.is_reference,
        passed=not row.problems,
        problems=row.problems,
        size=record.size,
        size_ratio=row.size_ratio,
        reference=row.reference,
        num_params=record.num_params,
        macs=record.macs,
        arena_bytes=record.arena_bytes,
        test=record.evaluation,
        drop=row.drop,
        validation=record.validation,
        validation_drop=row.validation_drop,
        latency=record.latency,
        parity=record.parity,
        invariants=record.invariants,
        layers=record.layers,
        notes=row.notes,
    )


Value = str | int | float | bool | None

#: Columns that a latency record fills by fields of the same names.
TIME_COLUMNS = (
    "device",
    "runtime",
    "num_threads",
    "batch",
    "min_ns",
    "mean_ns",
    "p50_ns",
    "p90_ns",
    "p95_ns",
    "p99_ns",
    "max_ns",
    "std_ns",
    "mlperf_p90_ns",
)

#: Columns of `results.csv`; units are in the names.
CSV_COLUMNS = (
    "run",
    "artefact",
    "recipe",
    "format",
    "chosen_as",
    "passed",
    "raw_bytes",
    "gzip_bytes",
    "zstd_bytes",
    "size_ratio_to_float32",
    "num_params",
    "macs",
    "arena_bytes",
    "metric",
    "test_value",
    "test_standard_error",
    "test_num_samples",
    "drop",
    "drop_standard_error",
    "drop_unit",
    "num_changed",
    "num_fixed",
    "num_broken",
    "mcnemar_p",
    "validation_value",
    "validation_standard_error",
    "validation_drop",
    "parity_max_abs_error",
    "parity_sqnr_db",
    "parity_top1_agreement",
    *TIME_COLUMNS,
    "ratio_to_float32",
    "ratio_low",
    "ratio_high",
    "throughput_per_s",
    "load_ns",
    "peak_rss_bytes",
    "energy_per_inference_j",
    "num_timed_runs",
    "noise",
    "sha256",
    "problems",
)


def to_csv(runs: Sequence[Run]) -> str:
    """Return one line for each artefact and latency setting (one without latency where none was measured)."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(CSV_COLUMNS)
    for run in runs:
        for row in run.rows:
            artifact = _artifact_values(run, row)
            for latency in row.record.latency or (None,):
                values = artifact | _latency_values(latency)
                writer.writerow([_cell(values.get(column)) for column in CSV_COLUMNS])
    return stream.getvalue()


def _artifact_values(run: Run, row: Row) -> dict[str, Value]:
    record = row.record
    values: dict[str, Value] = {
        "run": run.name,
        "artefact": record.name,
        "recipe": record.recipe,
        "format": record.artifact.format,
        "chosen_as": " ".join(row.chosen_as),
        "passed": not row.problems,
        "raw_bytes": record.size.raw,
        "gzip_bytes": record.size.gzip,
        "zstd_bytes": record.size.zstd,
        "size_ratio_to_float32": row.size_ratio,
        "num_params": record.num_params,
        "macs": record.macs,
        "arena_bytes": record.arena_bytes,
        "sha256": record.artifact.digest,
        "problems": "; ".join(row.problems),
    }
    if record.evaluation is not None:
        values |= _evaluation_values(record.evaluation)
    if row.drop is not None:
        values |= {
            "drop": row.drop.value,
            "drop_standard_error": row.drop.standard_error,
            "drop_unit": row.drop.unit,
        }
    if record.validation is not None:
        values |= {
            "validation_value": record.validation.value,
            "validation_standard_error": record.validation.standard_error,
            "validation_drop": None if row.validation_drop is None else row.validation_drop.value,
        }
    against_source = next((parity for parity in record.parity if parity.kind != "runtimes"), None)
    if against_source is not None:
        values |= {
            "parity_max_abs_error": against_source.max_abs_error,
            "parity_sqnr_db": min(against_source.sqnr_db, default=None),
            "parity_top1_agreement": against_source.top1_agreement,
        }
    return values


def _evaluation_values(record: EvaluationRecord) -> dict[str, Value]:
    values: dict[str, Value] = {
        "metric": record.metric,
        "test_value": record.value,
        "test_standard_error": record.standard_error,
        "test_num_samples": record.num_samples,
    }
    if record.paired is not None:
        values |= {
            "num_changed": record.paired.num_changed,
            "num_fixed": record.paired.num_fixed,
            "num_broken": record.paired.num_broken,
            "mcnemar_p": record.paired.mcnemar_p,
        }
    return values


def _latency_values(record: LatencyRecord | None) -> dict[str, Value]:
    if record is None:
        return {}
    same = (
        *TIME_COLUMNS,
        "throughput_per_s",
        "load_ns",
        "peak_rss_bytes",
        "energy_per_inference_j",
        "noise",
    )
    values: dict[str, Value] = {name: getattr(record, name) for name in same}
    values["num_timed_runs"] = record.num_samples
    if record.ratio is not None:
        values |= {
            "ratio_to_float32": record.ratio.value,
            "ratio_low": record.ratio.low,
            "ratio_high": record.ratio.high,
        }
    return values


def _cell(value: Value) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.10g}"
    text = str(value)
    # Spreadsheets run text that starts so as a formula; an apostrophe in front keeps it text.
    return f"'{text}" if isinstance(value, str) and text[:1] in "=+-@\t\r" and text else text
