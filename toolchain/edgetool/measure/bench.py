"""What `edgetool bench` and `edgetool compare` share: which files, which settings, the result as a record."""

from __future__ import annotations

import csv
import dataclasses
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from edgetool.artifact import digest_path, num_bytes, sniff_format
from edgetool.errors import EdgetoolError, ManifestError, MissingFileError, RunExistsError, UsageError, nearest
from edgetool.ir.input_shapes import InputShape, parse_input_shapes
from edgetool.measure.latency import BenchItem, BenchResult, bench_artifacts
from edgetool.measure.statistics import PERCENTILE_METHOD
from edgetool.options.commands import BenchOptions, CompareOptions
from edgetool.options.groups import OutputOptions, TimingOptions
from edgetool.paths import is_there, require_readable
from edgetool.records import LatencyRecord, Machine, RatioRecord
from edgetool.runners import open_runner
from edgetool.runners.base import Runner, RunPlan
from edgetool.schema import to_json
from edgetool.store.atomic import write_text
from edgetool.store.manifest_io import load_manifest, require_recorded, require_unchanged
from edgetool.version import __version__

__all__ = [
    "BENCH_SCHEMA_VERSION",
    "BenchOutcome",
    "BenchReport",
    "BenchedFile",
    "Comparison",
    "bench_files",
    "collect_items",
    "compare_latencies",
    "make_report",
    "make_settings",
    "ratio_sentence",
    "ratio_verdict",
    "to_csv",
]

BENCH_SCHEMA_VERSION = 1

#: Of each file and setting, where neither --seconds nor --runs says how long.
DEFAULT_SECONDS = 2.0

Progress = Callable[[str, int, int], None]

#: What the latencies hold and leave out, for readers of a result.
METHOD = (
    "One inference of the runtime's own call (LiteRT Interpreter.invoke; onnxruntime run_with_iobinding), inputs set "
    "once, garbage collection off, time.perf_counter_ns around each call; one process an artefact, all artefacts "
    "interleaved round robin in shuffled order. On a GPU inputs and outputs stay on the device and each call is "
    "synchronised."
)


@dataclass(frozen=True, slots=True)
class BenchedFile:
    """One file's result: its records, one a setting, and the error where a setting failed."""

    name: str
    path: str
    format: str
    digest: str
    num_bytes: int
    latency: tuple[LatencyRecord, ...]
    failure: str | None = None


@dataclass(frozen=True, slots=True)
class BenchReport:
    """The JSON that `edgetool bench` writes."""

    schema_version: int
    edgetool_version: str
    command: str
    seed: int
    method: str
    percentile_method: str
    machine: Machine
    artifacts: tuple[BenchedFile, ...]


@dataclass(frozen=True, slots=True)
class BenchOutcome:
    """What a benchmark came to: its report, and the errors of files that could not be measured."""

    report: BenchReport
    errors: tuple[EdgetoolError, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two files in one setting: `ratio` is the latency of `a` over that of `b`."""

    a: str
    b: str
    verdict: str
    ratio: RatioRecord
    latency_a: LatencyRecord
    latency_b: LatencyRecord


def bench_files(options: BenchOptions, *, command: str, progress: Progress) -> BenchOutcome:
    """Measure the latency of files on this machine, all interleaved in one run; write `--out` if it is given.

    Raises:
        EdgetoolError: an option makes no sense, a file is missing, or something is in the way of `--out`.
    """
    _require_place(options.output)
    runner = open_runner()
    settings = make_settings(
        options.timing,
        threads=options.threads,
        num_cpus=runner.probe().num_cpus,
        input_shapes=parse_input_shapes(options.input_shape),
    )
    items = collect_items(options.files)
    result = _measure(items, settings, options.timing, runner, mlperf=options.mlperf, progress=progress)
    report = make_report(items, result, machine=runner.probe(), command=command, seed=options.timing.seed)
    if options.output.out is not None:
        _write(Path(options.output.out), report)
    return BenchOutcome(report, tuple(result.errors.values()))


def compare_latencies(options: CompareOptions, *, progress: Progress) -> tuple[Comparison, ...]:
    """Measure two files side by side; returns one comparison for each thread count.

    Raises:
        EdgetoolError: an option makes no sense, or a file is missing or cannot be measured.
    """
    runner = open_runner()
    settings = make_settings(options.timing, threads=options.threads, num_cpus=runner.probe().num_cpus)
    items = collect_items([options.b, options.a])
    if len(items) != 2:
        raise UsageError(
            "compare",
            found=f"{len(items)} artefacts in {options.a} and {options.b}",
            expected="two model files",
            next_step="compare two files, or use edgetool bench for run folders",
        )
    result = _measure(items, settings, options.timing, runner, progress=progress)
    if result.errors:
        raise next(iter(result.errors.values()))
    reference, item = items
    comparisons: list[Comparison] = []
    for record, other in zip(result.records[item.name], result.records[reference.name], strict=True):
        assert record.ratio is not None  # neither file failed
        verdict = ratio_verdict(record.ratio)
        comparisons.append(Comparison(item.name, reference.name, verdict, record.ratio, record, other))
    return tuple(comparisons)


def _measure(
    items: Sequence[BenchItem],
    settings: Sequence[RunPlan],
    timing: TimingOptions,
    runner: Runner,
    *,
    mlperf: bool = False,
    progress: Progress,
) -> BenchResult:
    return bench_artifacts(
        items,
        settings,
        seed=timing.seed,
        runner=runner,
        seconds_per_item=DEFAULT_SECONDS if timing.seconds is None else timing.seconds,
        num_runs=timing.runs,
        mlperf=mlperf,
        progress=progress,
    )


def _require_place(output: OutputOptions) -> None:
    """Refuse `--out` where nothing can be written."""
    if output.out is None:
        return
    path = Path(output.out)
    if path.suffix not in (".json", ".csv"):
        raise UsageError("--out", found=output.out, expected="a .json or .csv file", next_step="give -o bench.json")
    if path.exists() and not output.overwrite:
        raise RunExistsError(
            output.out,
            found="a file of this name",
            expected="a new file",
            next_step="choose another -o or give --overwrite",
        )


def _write(out: Path, report: BenchReport) -> None:
    write_text(out, to_csv(report) if out.suffix == ".csv" else to_json(report) + "\n")


def make_settings(
    timing: TimingOptions, *, threads: str, num_cpus: int, input_shapes: tuple[InputShape, ...] = ()
) -> tuple[RunPlan, ...]:
    """Return one plan for each thread count.

    Args:
        timing: as typed.
        threads: counts separated by commas; `all` is `num_cpus`.
        num_cpus: that the machine of the runner has for a model.
        input_shapes: of `.onnx` files that leave sizes open.

    Raises:
        UsageError: a value makes no sense.
    """
    _check_choice("--device", timing.device, ["cpu", "gpu"])
    _check_choice("--kernels", timing.kernels, ["default", "reference"])
    if timing.batch < 1:
        raise UsageError("--batch", found=str(timing.batch), expected="at least 1", next_step="give --batch 1")
    if timing.runs is not None and timing.seconds is not None:
        raise UsageError(
            "--runs", found="both --runs and --seconds", expected="one of them", next_step="leave one of them out"
        )
    most = num_cpus
    counts: list[int] = []
    for word in threads.split(","):
        count = most if word.strip() == "all" else int(word) if word.strip().isdigit() else 0
        if not 1 <= count <= 4 * most:
            raise UsageError(
                "--threads",
                found=repr(word.strip()),
                expected=f"counts of 1 to {most}, or 'all', separated by commas",
                next_step="give, for example, --threads 1,all",
            )
        if count not in counts:
            counts.append(count)
    if timing.device == "gpu":
        counts = counts[:1]
    where: Literal["cpu", "gpu"] = "gpu" if timing.device == "gpu" else "cpu"
    which: Literal["default", "reference"] = "reference" if timing.kernels == "reference" else "default"
    return tuple(
        RunPlan(
            device=where,
            num_threads=n,
            batch=timing.batch,
            kernels=which,
            pin=timing.pin,
            timeout_s=timing.timeout,
            input_shapes=input_shapes,
        )
        for n in counts
    )


def collect_items(paths: Sequence[str]) -> tuple[BenchItem, ...]:
    """Turn files and run folders into items with unique names.

    A run folder gives its manifest's artefacts that did not fail, each compared with the run's float32 artefact of its
    format. Loose files are compared with the first file.

    A damaged file is left for the run to report, so that the others can go on.

    Raises:
        MissingFileError: a path is not there.
        ManifestError: a run folder without usable artefacts, or a file that is no longer what its run wrote.
    """
    items: list[BenchItem] = []
    names: set[str] = set()
    for text in paths:
        path = Path(text)
        if path.is_dir() and (path / "manifest.json").is_file():
            prefix = f"{path.name or path.resolve().name}/" if len(paths) > 1 else ""
            items += [_unique(item, names) for item in _run_items(path, prefix)]
            continue
        if not is_there(path):
            raise MissingFileError(
                text,
                found="no such file or folder",
                expected="a model file or a run folder",
                next_step="check the path",
            )
        require_readable(path, expected="a model file or a run folder")
        require_recorded(path)
        name = path.name if path.name not in names else text
        first = items[0].name if items else None
        items.append(_unique(BenchItem(name, path, first), names))
    return tuple(items)


def make_report(
    items: Sequence[BenchItem], result: BenchResult, *, machine: Machine, command: str, seed: int
) -> BenchReport:
    """Put the result of a run and its files together."""
    files = tuple(
        BenchedFile(
            name=item.name,
            path=str(item.path),
            format=_format(item.path),
            digest=digest_path(item.path),
            num_bytes=num_bytes(item.path),
            latency=result.records.get(item.name, ()),
            failure=result.failures.get(item.name),
        )
        for item in items
    )
    return BenchReport(BENCH_SCHEMA_VERSION, __version__, command, seed, METHOD, PERCENTILE_METHOD, machine, files)


def to_csv(report: BenchReport) -> str:
    """Return one line a record, fields named with their units; failed files have an empty record and the error."""
    skipped = {"ratio", "node_providers", "pinned_cpus"}
    fields = [f.name for f in dataclasses.fields(LatencyRecord) if f.name not in skipped]
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    extra = ["pinned_cpus", "node_providers", "reference", "ratio", "ratio_low", "ratio_high", "failure"]
    writer.writerow(["artifact", "path", "format", "num_bytes", "sha256", *fields, *extra])
    for file in report.artifacts:
        about = [file.name, file.path, file.format, file.num_bytes, file.digest]
        for record in file.latency:
            ratio = record.ratio
            writer.writerow(
                [
                    *about,
                    *("" if getattr(record, name) is None else getattr(record, name) for name in fields),
                    " ".join(map(str, record.pinned_cpus)),
                    " ".join(f"{name}={count}" for name, count in record.node_providers.items()),
                    *((ratio.reference, ratio.value, ratio.low, ratio.high) if ratio else ("", "", "", "")),
                    file.failure or "",
                ]
            )
        if not file.latency:
            writer.writerow([*about, *("" for _ in fields), *("" for _ in extra[:-1]), file.failure or ""])
    return stream.getvalue()


def ratio_verdict(ratio: RatioRecord) -> Literal["faster", "slower", "undecided"]:
    """Return `faster` or `slower` where the whole 95 % interval lies on one side of 1."""
    if ratio.high < 1.0:
        return "faster"
    return "slower" if ratio.low > 1.0 else "undecided"


def ratio_sentence(name: str, ratio: RatioRecord) -> str:
    """Say a ratio, its interval and the verdict in one sentence."""
    verdict = {"undecided": "no difference can be told"}.get(ratio_verdict(ratio), ratio_verdict(ratio))
    return f"{name} is {ratio.value:.2f}x of {ratio.reference} [{ratio.low:.2f}, {ratio.high:.2f}]: {verdict}"


def _run_items(run: Path, prefix: str) -> list[BenchItem]:
    manifest = load_manifest(run)
    usable = [a for a in manifest.artifacts if a.failure is None and a.artifact.format in ("tflite", "onnx")]
    if not usable:
        raise ManifestError(
            str(run),
            found="no artefact that can be run",
            expected="finished .tflite or .onnx artefacts",
            next_step="finish the run first, or name a model file",
        )
    require_unchanged(run, usable)
    references = {a.artifact.format: prefix + a.name for a in usable if a.is_reference}
    return [BenchItem(prefix + a.name, run / a.artifact.path, references.get(a.artifact.format)) for a in usable]


def _format(path: Path) -> str:
    try:
        return sniff_format(path)
    except EdgetoolError:
        return "unknown"


def _unique(item: BenchItem, names: set[str]) -> BenchItem:
    name, count = item.name, 1
    while name in names:
        count += 1
        name = f"{item.name}#{count}"
    names.add(name)
    return dataclasses.replace(item, name=name)


def _check_choice(option: str, value: str, valid: list[str]) -> None:
    if value not in valid:
        raise UsageError(option, found=repr(value), expected=" or ".join(valid), next_step=nearest(value, valid))
