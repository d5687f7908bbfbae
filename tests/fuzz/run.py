"""Damaged files through every parser: an answer or one clear error each, no traceback, no hang, bounded memory.

    python tests/fuzz/run.py --count 20000 --seed 1 --keep fuzz-findings

Inputs follow from seed and number alone. A worker process reads them, so that a parser which dies or hangs costs one
input: that is a finding, except of parsers in C that edgetool runs in a child. `--first N --count 1` repeats one.
"""

from __future__ import annotations

import argparse
import json
import queue
import resource
import subprocess
import sys
import tempfile
import threading
import traceback
from collections import Counter
from pathlib import Path

import numpy as np
from mutate import mutate
from parsers import PARSERS

from edgetool.errors import EdgetoolError, InternalError

#: One input takes milliseconds; a loaded machine may take a thousand times as long.
TIMEOUT_S = 60.0

#: What one input may add to the memory of the worker, and what the worker may take at all.
MEMORY_BYTES = 1 << 30
WORKER_BYTES = 6 << 30


def mutant(seed: int, number: int) -> tuple[str, bytes]:
    """Return the name of the parser and the bytes of one input."""
    name = list(PARSERS)[number % len(PARSERS)]
    seeds = PARSERS[name].seeds()
    random = np.random.default_rng((seed, number))
    return name, mutate(seeds[int(random.integers(len(seeds)))], random, seeds)


def judge(name: str, content: bytes) -> str:
    """Read one input and return what came of it; what begins with "defect" is a finding."""
    parser = PARSERS[name]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / parser.file
        path.write_bytes(content)
        try:
            parser.read(Path(folder), path)
            outcome = "answered"
        except InternalError as exc:
            outcome = f"defect: {exc}"
        except EdgetoolError as exc:
            sound = exc.subject and exc.found and exc.expected and exc.next_step and exc.exit_code not in (0, 1, 70)
            outcome = type(exc).__name__ if sound else f"defect: an error without its parts: {exc!r}"
        except BaseException as exc:  # noqa: BLE001 - what this looks for
            outcome = f"defect: {type(exc).__name__}: {exc} at {traceback.format_exc().splitlines()[-3:-1]}"[:600]
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
    return f"defect: {grown >> 20} MiB of memory" if grown > MEMORY_BYTES else outcome


def work(seed: int, first: int, count: int) -> None:
    """Read inputs and write a line before and after each of them."""
    resource.setrlimit(resource.RLIMIT_AS, (WORKER_BYTES, WORKER_BYTES))
    for number in range(first, first + count):
        name, content = mutant(seed, number)
        print(json.dumps([number, name, ""]), flush=True)
        print(json.dumps([number, name, judge(name, content)]), flush=True)


def supervise(seed: int, first: int, count: int) -> list[tuple[int, str, str]]:
    """Return (number, parser, outcome) of every input; a worker that dies or hangs is replaced."""
    outcomes: list[tuple[int, str, str]] = []
    end = first + count
    while first < end:
        command = [sys.executable, __file__, "--worker", "--seed", str(seed), "--first", str(first)]
        worker = subprocess.Popen([*command, "--count", str(end - first)], stdout=subprocess.PIPE, text=True)
        lines: queue.Queue[str | None] = queue.Queue()
        threading.Thread(target=_pump, args=(worker, lines), daemon=True).start()
        begun: tuple[int, str] | None = None
        how = "died"
        while True:
            try:
                text = lines.get(timeout=TIMEOUT_S)
            except queue.Empty:
                how = "hung"
                break
            if text is None:
                break
            number, name, outcome = json.loads(text)
            begun = None if outcome else (number, name)
            first = number + 1
            if outcome:
                outcomes.append((number, name, outcome))
        worker.kill()
        status = worker.wait()
        if begun is not None:
            kind = "child" if PARSERS[begun[1]].in_child else "defect"
            outcomes.append((*begun, f"{kind}: the process {how} ({status})"))
        elif first < end and how == "died" and status != 0 and not outcomes:
            raise SystemExit(f"the worker cannot start: exit status {status}")
    return outcomes


def _pump(worker: subprocess.Popen[str], lines: queue.Queue[str | None]) -> None:
    assert worker.stdout is not None
    for text in worker.stdout:
        if text.startswith("["):
            lines.put(text)
    lines.put(None)


def main() -> None:
    """Read the options and do as they say; the exit status is 1 if anything was found."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--count", type=int, default=2000, help="inputs")
    options.add_argument("--first", type=int, default=0, help="number of the first input")
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--keep", type=Path, help="folder that inputs which find something are written to")
    options.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.worker:
        work(given.seed, given.first, given.count)
        return
    outcomes = supervise(given.seed, given.first, given.count)
    counts = Counter(f"{name}: {outcome.partition(':')[0]}" for _, name, outcome in outcomes)
    findings = [item for item in outcomes if item[2].startswith("defect")]
    for number, name, outcome in findings:
        print(f"{number} {name} {outcome}", file=sys.stderr)
        if given.keep is not None:
            given.keep.mkdir(parents=True, exist_ok=True)
            (given.keep / f"{given.seed}_{number}_{PARSERS[name].file}").write_bytes(mutant(given.seed, number)[1])
    print(json.dumps({"inputs": len(outcomes), "findings": len(findings), "counts": dict(sorted(counts.items()))}))
    sys.exit(1 if findings else 0)


if __name__ == "__main__":
    main()
