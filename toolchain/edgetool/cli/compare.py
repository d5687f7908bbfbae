"""`edgetool compare`: two model files, and which is faster."""

from __future__ import annotations

from edgetool.cli.console import Console
from edgetool.options.commands import CompareOptions
from edgetool.options.groups import ProgressOptions


def compare(options: CompareOptions, output: ProgressOptions) -> None:
    """Say whether A is faster than B: the ratio of their median latencies with its 95 % interval."""
    from edgetool.measure.bench import compare_latencies, ratio_sentence

    console = Console.of(output)
    try:
        comparisons = compare_latencies(options, progress=console.progress)
    finally:
        console.close()
    lines: list[str] = []
    for found in comparisons:
        num_threads = found.latency_a.num_threads
        threads = f"{num_threads} thread{'s' if num_threads > 1 else ''}"
        lines.append(f"{ratio_sentence(found.a, found.ratio)} ({threads})")
        for name, record in ((found.a, found.latency_a), (found.b, found.latency_b)):
            if record.noise != "quiet":
                console.say(f"{name}: {record.noise} ({record.noise_reason})")
    console.result(comparisons, "\n".join(lines))
