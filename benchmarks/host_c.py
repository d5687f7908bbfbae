"""Generated C on this machine beside LiteRT with XNNPACK, one thread each, as a ratio.

    python benchmarks/host_c.py MODEL.tflite... [--rounds 15] [--flags="-O3 -march=native"]... [--out RESULT.md]

For each model `edgetool embed --runtime c --target host`, compiled with gcc, with each of the flags that are given.
LiteRT chooses by the processor, whatever the flags. Rounds alternate: the bundle's self-test tells nanoseconds of a run
(the mean over a twentieth of a second of processor time), then LiteRT runs for as long, called from Python; of its runs
the median counts, for on a busy machine some wait. What is printed is the median over rounds of the ratio C / LiteRT,
with the least and the largest: below 1 the C is faster.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime
import re
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from edgetool.embed.bundles.c_bundle import write_bundle
from edgetool.runners import open_runner
from edgetool.runners.base import RunPlan
from edgetool.runners.machine import describe_machine
from edgetool.targets import find_target

#: Of a round, as the self-test measures.
SECONDS = 0.05


def main() -> int:
    """Measure every model and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="+", type=Path)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--flags", action="append", help="may be given several times")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    machine = describe_machine()
    lines = [
        "# Generated C beside LiteRT with XNNPACK",
        "",
        f"{datetime.datetime.now(datetime.UTC):%Y-%m-%d}; {machine.cpu}; gcc; one thread each;",
        f"{options.rounds} rounds, alternating. Written by `benchmarks/host_c.py`.",
        "",
        "| model | flags | C, us | LiteRT, us | C / LiteRT, median | least | largest |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for flags in options.flags or ["-O3 -march=native"]:
        for model in options.models:
            lines.append(row(model, options.rounds, flags))
            print(lines[-1], file=sys.stderr, flush=True)
    text = "\n".join([*lines, ""])
    print(text)
    if options.out:
        options.out.write_text(text, encoding="utf-8")
    return 0


def row(model: Path, num_rounds: int, flags: str) -> str:
    """Return a line of the table."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "bundle"
        write_bundle(model, name="net", out=out, target=find_target("host"), overwrite=False)
        subprocess.run(["make", "-s", "-C", str(out), "self_test", f"CFLAGS={flags}"], check=True)
        ours, theirs = [], []
        with contextlib.closing(open_runner().open(model, RunPlan(num_threads=1))) as session:
            num_runs = max(5, round(SECONDS * 1e9 / statistics.median(session.time(20))))
            for _ in range(num_rounds):
                ours.append(c_nanoseconds(out))
                theirs.append(statistics.median(session.time(num_runs)))
    ratios = [a / b for a, b in zip(ours, theirs, strict=True)]
    cells = [f"{statistics.median(ours) / 1e3:.1f}", f"{statistics.median(theirs) / 1e3:.1f}"]
    cells += [f"{value:.2f}" for value in (statistics.median(ratios), min(ratios), max(ratios))]
    return f"| {model.stem} | `{flags}` | {' | '.join(cells)} |"


def c_nanoseconds(bundle: Path) -> float:
    """Run the self-test and return what it measured."""
    done = subprocess.run([str(bundle / "self_test")], capture_output=True, text=True, check=True)
    found = re.search(r"nanoseconds of a run: (\d+)", done.stdout)
    assert found is not None, done.stdout
    return float(found[1])


if __name__ == "__main__":
    sys.exit(main())
