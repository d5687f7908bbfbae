"""`edgetool compare`: the ratio of two files' latencies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from edgetool.cli.bench import (
    DEFAULT_SECONDS,
    BatchOption,
    DeviceOption,
    KernelsOption,
    PinOption,
    RunsOption,
    SecondsOption,
    ThreadsOption,
    TimeoutOption,
)
from edgetool.cli.console import Console, DebugOption, JsonOption, QuietOption, SeedOption

if TYPE_CHECKING:
    from edgetool.measure.latency import BenchItem


def compare(
    a: Annotated[str, typer.Argument(help="A .tflite or .onnx file.")],
    b: Annotated[str, typer.Argument(help="The file that A is compared with.")],
    threads: ThreadsOption = "1",
    batch: BatchOption = 1,
    runs: RunsOption = None,
    seconds: SecondsOption = None,
    device: DeviceOption = "cpu",
    kernels: KernelsOption = "default",
    pin: PinOption = True,
    timeout: TimeoutOption = 300.0,
    seed: SeedOption = 0,
    json_output: JsonOption = False,
    quiet: QuietOption = False,
    debug: DebugOption = False,
) -> None:
    """Say whether A is faster than B: the ratio of their median latencies with its 95 % interval."""
    from edgetool.measure.bench import make_settings, ratio_sentence, ratio_verdict
    from edgetool.measure.latency import bench_artifacts
    from edgetool.runners import open_runner

    _require_one_length(runs, seconds)
    runner = open_runner()
    settings = make_settings(
        threads=threads,
        batch=batch,
        device=device,
        kernels=kernels,
        pin=pin,
        timeout_s=timeout,
        num_cpus=runner.probe().num_cpus,
    )
    items = _two_items(a, b)
    console = Console(json_output=json_output, quiet=quiet or json_output)
    try:
        result = bench_artifacts(
            items,
            settings,
            seed=seed,
            runner=runner,
            seconds_per_item=DEFAULT_SECONDS if seconds is None else seconds,
            num_runs=runs,
            progress=console.progress,
        )
    finally:
        console.close()
    if result.errors:
        raise next(iter(result.errors.values()))
    reference, item = items
    found: list[dict[str, object]] = []
    lines: list[str] = []
    for record, other in zip(result.records[item.name], result.records[reference.name], strict=True):
        assert record.ratio is not None  # neither file failed
        verdict = ratio_verdict(record.ratio)
        found.append(
            {
                "a": item.name,
                "b": reference.name,
                "verdict": verdict,
                "ratio": record.ratio,
                "latency_a": record,
                "latency_b": other,
            }
        )
        sentence = ratio_sentence(item.name, record.ratio)
        lines.append(f"{sentence} ({record.num_threads} thread{'s' if record.num_threads > 1 else ''})")
        for name, one in ((item.name, record), (reference.name, other)):
            if one.noise != "quiet":
                console.say(f"{name}: {one.noise} ({one.noise_reason})")
    console.result(found, "\n".join(lines))


def _require_one_length(runs: int | None, seconds: float | None) -> None:
    from edgetool.errors import UsageError

    if runs is not None and seconds is not None:
        raise UsageError(
            "--runs", found="both --runs and --seconds", expected="one of them", next_step="leave one of them out"
        )


def _two_items(a: str, b: str) -> tuple[BenchItem, ...]:
    """Return the two files, the reference first."""
    from edgetool.errors import UsageError
    from edgetool.measure.bench import collect_items

    items = collect_items([b, a])
    if len(items) != 2:
        raise UsageError(
            "compare",
            found=f"{len(items)} artefacts in {a} and {b}",
            expected="two model files",
            next_step="compare two files, or use edgetool bench for run folders",
        )
    return items
