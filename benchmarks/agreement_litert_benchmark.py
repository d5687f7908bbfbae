"""Does `edgetool bench` agree with `litert-benchmark` (from ai-edge-litert) on the same file?

Both run in turn, five times each by default, one thread, on the same CPU, each in a fresh process. What each times:

- litert-benchmark: `CompiledModel.run_by_name` on prepared buffers, CPU accelerator (XNNPACK), by perf_counter;
- edgetool: `Interpreter.invoke` with inputs set, default kernels (XNNPACK), by perf_counter_ns.

litert-benchmark rounds its figures to 10 us; it is run here with its `round` replaced, so that its own full median is
seen. The figure compared is the median of the pairs' ratios: the two of a pair run one right after the other, so
that slow changes of the machine touch both; beside it stands the ratio of the minima, inferences undisturbed.

    python benchmarks/agreement_litert_benchmark.py MODEL.tflite... [--pairs 5] [--runs 2000] [--out RESULT.md]
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

from edgetool.runners.machine import choose_cpus, describe_machine

TOLERANCE = 0.05

LITERT_BENCHMARK = """
import json, sys
from ai_edge_litert.tools import benchmark_litert_model as tool
tool.round = lambda value, digits: value
sys.argv = ["litert-benchmark", *sys.argv[1:]]
result = tool.run_benchmark(tool.parse_args())
print("RESULT " + json.dumps([result["latency"][key] * 1e3 for key in ("median_ms", "min_ms")]))
"""


def litert_benchmark_us(model: Path, num_runs: int) -> tuple[float, float]:
    """Return litert-benchmark's median and minimum in microseconds."""
    arguments = ["--model", str(model), "--num_runs", str(num_runs), "--warmup_runs", "200", "--num_threads", "1"]
    command = [sys.executable, "-c", LITERT_BENCHMARK, *arguments]
    found = subprocess.run(command, capture_output=True, text=True, check=True)
    result = next(line for line in found.stdout.splitlines() if line.startswith("RESULT "))
    p50, minimum = json.loads(result.removeprefix("RESULT "))
    return p50, minimum


def edgetool_us(model: Path, num_runs: int) -> tuple[float, float]:
    """Return the median and minimum of `edgetool bench` in microseconds."""
    arguments = ["bench", str(model), "--threads", "1", "--runs", str(num_runs), "--no-pin", "--json"]
    command = [sys.executable, "-m", "edgetool.cli.main", *arguments]
    found = subprocess.run(command, capture_output=True, text=True, check=True)
    latency = json.loads(found.stdout)["artifacts"][0]["latency"][0]
    return latency["p50_ns"] / 1e3, latency["min_ns"] / 1e3


def main() -> int:
    """Run the comparison, print the table; 1 if a file is off by more than 5 %."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="+", type=Path)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--runs", type=int, default=2000)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    os.sched_setaffinity(0, choose_cpus(1))  # the children of both kinds inherit it
    lines = [
        "| file | litert-benchmark p50 us | edgetool p50 us | median ratio | each pair | ratio of minima |",
        "| --- | ---: | ---: | ---: | --- | ---: |",
    ]
    failed = False
    for model in options.models:
        theirs, ours = [], []
        for _ in range(options.pairs):
            theirs.append(litert_benchmark_us(model, options.runs))
            ours.append(edgetool_us(model, options.runs))
        ratios = [a / b for (a, _), (b, _) in zip(ours, theirs, strict=True)]
        ratio = statistics.median(ratios)
        failed = failed or abs(ratio - 1) > TOLERANCE
        medians = " | ".join(f"{statistics.median(p50 for p50, _ in tool):.1f}" for tool in (theirs, ours))
        minima = min(minimum for _, minimum in ours) / min(minimum for _, minimum in theirs)
        pairs = " ".join(f"{value:.3f}" for value in ratios)
        lines.append(f"| {model.name} | {medians} | {ratio:.3f} | {pairs} | {minima:.3f} |")
        print(lines[-1], file=sys.stderr, flush=True)
    machine = describe_machine()
    litert = machine.versions.get("ai-edge-litert", "?")
    about = f"{options.pairs} runs each, in turn, {options.runs} inferences a run, one thread, one CPU of {machine.cpu}"
    text = "\n".join(
        ["# edgetool bench against litert-benchmark", "", f"{about}; ai-edge-litert {litert}.", "", *lines, ""]
    )
    print(text)
    if options.out:
        options.out.write_text(text, encoding="utf-8")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
