"""`edgetool bench`: latency of model files, side by side."""

from __future__ import annotations

import shlex
import sys
from typing import TYPE_CHECKING

from edgetool.cli.console import Console
from edgetool.options.commands import BenchOptions
from edgetool.options.groups import ProgressOptions

if TYPE_CHECKING:
    from edgetool.measure.bench import BenchReport
    from edgetool.records import LatencyRecord


def bench(options: BenchOptions, output: ProgressOptions) -> None:
    """Measure the latency of FILES on this machine, all interleaved in one run."""
    from edgetool.measure.bench import bench_files

    console = Console.of(output)
    command = shlex.join(["edgetool", *sys.argv[1:]])
    try:
        outcome = bench_files(options, command=command, progress=console.progress)
    finally:
        console.close()
    if any(file.latency for file in outcome.report.artifacts):
        _print_table(console, outcome.report, mlperf=options.mlperf)
    console.result(outcome.report)
    if outcome.errors:
        raise outcome.errors[0]


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
