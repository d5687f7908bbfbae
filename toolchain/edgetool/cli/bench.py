"""`edgetool bench`: latency of model files, side by side."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edgetool.cli.console import (
    Console,
    DebugOption,
    InputShapeOption,
    JsonOption,
    OutOption,
    OverwriteOption,
    QuietOption,
    SeedOption,
)

if TYPE_CHECKING:
    from edgetool.measure.bench import BenchReport
    from edgetool.records import LatencyRecord

ThreadsOption = Annotated[str, typer.Option("--threads", help="Thread counts, e.g. 1,4 or 1,all.")]
BatchOption = Annotated[int, typer.Option("--batch", help="Samples of one inference.")]
RunsOption = Annotated[int | None, typer.Option("--runs", help="Timed inferences of each file and setting.", min=1)]
SecondsOption = Annotated[
    float | None, typer.Option("--seconds", help="Time each file for so long a setting.", min=0.0)
]
DeviceOption = Annotated[str, typer.Option("--device", help="cpu, or gpu (.onnx on onnxruntime's CUDA provider).")]
KernelsOption = Annotated[str, typer.Option("--kernels", help="LiteRT's kernels: default or reference.")]
PinOption = Annotated[bool, typer.Option("--pin/--no-pin", help="Pin processes to CPUs where the system allows.")]
TimeoutOption = Annotated[float, typer.Option("--timeout", help="Give a file up after so many seconds.", min=1.0)]

DEFAULT_SECONDS = 2.0


def bench(
    files: Annotated[list[str], typer.Argument(help=".tflite or .onnx files, or run folders.")],
    threads: ThreadsOption = "1,all",
    batch: BatchOption = 1,
    runs: RunsOption = None,
    seconds: SecondsOption = None,
    device: DeviceOption = "cpu",
    kernels: KernelsOption = "default",
    mlperf: Annotated[
        bool, typer.Option("--mlperf", help="Also give the 90th percentile by MLPerf's rule (median of 5 windows).")
    ] = False,
    pin: PinOption = True,
    timeout: TimeoutOption = 300.0,
    input_shape: InputShapeOption = None,
    seed: SeedOption = 0,
    out: OutOption = None,
    overwrite: OverwriteOption = False,
    json_output: JsonOption = False,
    quiet: QuietOption = False,
    debug: DebugOption = False,
) -> None:
    """Measure the latency of FILES on this machine, all interleaved in one run."""
    from edgetool.ir.input_shapes import parse_input_shapes
    from edgetool.measure.bench import collect_items, make_report, make_settings
    from edgetool.measure.latency import bench_artifacts
    from edgetool.runners import open_runner

    _check_options(runs, seconds, out, overwrite)
    runner = open_runner()
    settings = make_settings(
        threads=threads,
        batch=batch,
        device=device,
        kernels=kernels,
        pin=pin,
        timeout_s=timeout,
        num_cpus=runner.probe().num_cpus,
        input_shapes=parse_input_shapes(input_shape or ()),
    )
    items = collect_items(files)
    console = Console(json_output=json_output, quiet=quiet or json_output)
    try:
        result = bench_artifacts(
            items,
            settings,
            seed=seed,
            runner=runner,
            seconds_per_item=DEFAULT_SECONDS if seconds is None else seconds,
            num_runs=runs,
            mlperf=mlperf,
            progress=console.progress,
        )
    finally:
        console.close()
    command = shlex.join(["edgetool", *sys.argv[1:]])
    report = make_report(items, result, machine=runner.probe(), command=command, seed=seed)
    if out is not None:
        _write(Path(out), report)
    if result.records:
        _print_table(console, report, mlperf=mlperf)
    console.result(report)
    if result.errors:
        raise next(iter(result.errors.values()))


def _check_options(runs: int | None, seconds: float | None, out: str | None, overwrite: bool) -> None:
    from edgetool.errors import RunExistsError, UsageError

    if runs is not None and seconds is not None:
        raise UsageError(
            "--runs", found="both --runs and --seconds", expected="one of them", next_step="leave one of them out"
        )
    if out is None:
        return
    if Path(out).suffix not in (".json", ".csv"):
        raise UsageError("--out", found=out, expected="a .json or .csv file", next_step="give -o bench.json")
    if Path(out).exists() and not overwrite:
        raise RunExistsError(
            out, found="a file of this name", expected="a new file", next_step="choose another -o or give --overwrite"
        )


def _write(out: Path, report: BenchReport) -> None:
    from edgetool.measure.bench import to_csv
    from edgetool.schema import to_json
    from edgetool.store.atomic import write_text

    write_text(out, to_csv(report) if out.suffix == ".csv" else to_json(report) + "\n")


def _print_table(console: Console, report: BenchReport, *, mlperf: bool) -> None:
    columns = ["artefact", "runtime", "threads", "min", "p50", "mean", "std", "p90", "p95", "p99", "max"]
    columns += ["mlperf p90"] if mlperf else []
    columns += ["ratio [95 %]", "samples/s", "load ms", "peak MB", "noise"]
    rows = [_row(file.name, record, mlperf=mlperf) for file in report.artifacts for record in file.latency]
    optional = ("std", "p95", "load ms", "peak MB", "samples/s", "max", "mean", "p99", "min", "runtime", "p90")
    console.table("latency of one inference in us", columns, rows, optional=optional)
    for line in _notes(report, mlperf=mlperf):
        console.say(line)
    for file in report.artifacts:
        if file.failure is not None:
            console.say(f"FAILED {file.name}: {file.failure}")


def _row(name: str, record: LatencyRecord, *, mlperf: bool) -> list[str]:
    cells = [name, record.runtime, str(record.num_threads)]
    times = [record.min_ns, record.p50_ns, record.mean_ns, record.std_ns, record.p90_ns, record.p95_ns, record.p99_ns]
    cells += [_us(value) for value in (*times, record.max_ns)]
    if mlperf:
        cells.append("-" if record.mlperf_p90_ns is None else _us(record.mlperf_p90_ns))
    ratio = record.ratio
    cells.append(f"{ratio.value:.2f} [{ratio.low:.2f}, {ratio.high:.2f}]" if ratio else "-")
    cells += [f"{record.throughput_per_s:,.0f}", _millions(record.load_ns, 1), _millions(record.peak_rss_bytes, 0)]
    return [*cells, record.noise]


def _millions(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value / 1e6:,.{digits}f}"


def _us(nanoseconds: float) -> str:
    value = nanoseconds / 1e3
    return f"{value:,.0f}" if value >= 1000 else f"{value:.1f}"


def _notes(report: BenchReport, *, mlperf: bool) -> list[str]:
    """Return what a reader of the table must know, each thing once."""
    records = [(file.name, record) for file in report.artifacts for record in file.latency]
    first = records[0][1]
    references = sorted({record.ratio.reference for _, record in records if record.ratio})
    lines = [f"on {report.machine.cpu}, {report.machine.num_cpus} CPUs; {first.device}, batch {first.batch}"]
    if references:
        lines.append(f"ratio of medians to {', '.join(references)}, with its 95 % bootstrap interval")
    pins = {_threads(record): record.pinned_cpus for _, record in records}
    lines += [f"{what}: " + (f"pinned to CPU {_cpus(cpus)}" if cpus else "not pinned") for what, cpus in pins.items()]
    for name, record in records:
        if record.device == "gpu":
            counts = ", ".join(f"{count} nodes on {key}" for key, count in record.node_providers.items())
            lines.append(f"{name}: {counts}")
        if record.noise != "quiet":
            lines.append(f"{name}, {_threads(record)}, {record.noise}: {record.noise_reason}")
        if record.energy_per_inference_j is not None:
            energy = f"{record.energy_per_inference_j * 1e3:.3f} mJ an inference, {record.energy_method}"
            lines.append(f"{name}, {_threads(record)}: {energy}")
    if all(record.energy_per_inference_j is None for _, record in records):
        lines.append(f"energy {first.energy_method}")
    if mlperf:
        lines.append("mlperf p90: median over 5 windows of the 90th percentile; MLPerf's rule, not a submission")
    return lines


def _threads(record: LatencyRecord) -> str:
    return f"{record.num_threads} thread{'s' if record.num_threads > 1 else ''}"


def _cpus(cpus: tuple[int, ...]) -> str:
    return ",".join(map(str, cpus))
