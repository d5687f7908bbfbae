"""Data that several integration tests train on."""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")

import numpy as np
import pytest

from edgetool.cli import main as cli
from edgetool.data.dataset import Dataset, Split
from edgetool.runners.child import Child


@pytest.fixture(scope="session")
def digits_8x8() -> Dataset:
    """scikit-learn's digits, [N, 8, 8, 1] in 0..1: 1,200 to train on, 597 to validate on, no test split."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    x = digits.images[..., None].astype(np.float32) / 16
    train, val = (Split(name, (x[part],), digits.target[part]) for name, part in PARTS.items())
    return Dataset("digits", train, val, None)


PARTS = {"train": slice(1200), "val": slice(1200, None)}


#: Ways to damage a file. "nicked" is a few bits, "flipped" many.
DAMAGES = ("truncated", "nicked", "flipped", "swapped", "zeroed", "scrambled", "empty", "header", "moved", "doubled")

LARGE_NUMBERS = (0x7FFFFFFF, 0xFFFFFFFF, 0x00FFFFFF, 0x01000000, 0x40000000)


def damage(content: bytes, kind: str, random: np.random.Generator) -> bytes:
    """Return `content` damaged in one of the ways of `DAMAGES`; other kinds leave it sound."""
    data = np.frombuffer(content, np.uint8).copy()
    size = data.size
    if kind == "truncated":
        return content[: int(random.integers(9, size))]
    if kind == "empty":
        return content[: int(random.integers(0, 9))]
    if kind == "doubled":
        return content[: size // 2] + content[size // 3 :]
    if kind == "header":
        data[: int(random.integers(1, 64))] ^= random.integers(1, 256, dtype=np.uint8)
    elif kind in ("nicked", "flipped"):
        where = random.integers(8, size, int(random.integers(1, 4 if kind == "nicked" else 100)))
        data[where] ^= (1 << random.integers(0, 8, where.size)).astype(np.uint8)
    elif kind == "zeroed":
        start = int(random.integers(8, size - 64))
        data[start : start + 64] = 0
    elif kind == "swapped":
        a, b = sorted(int(v) for v in random.choice(size // 64, 2, replace=False) * 64)
        data[a : a + 64], data[b : b + 64] = data[b : b + 64].copy(), data[a : a + 64].copy()
    elif kind == "moved":
        data[8:] = np.roll(data[8:], int(random.integers(1, 64)))
    elif kind == "scrambled":  # large numbers where offsets, sizes and shapes are, most of them at both ends
        words = data[8 : size // 4 * 4].view(np.uint32)
        edge = min(words.size, 2000)
        where = np.concatenate([random.integers(0, edge, 3), words.size - 1 - random.integers(0, edge, 3)])
        words[where] = random.choice(LARGE_NUMBERS, where.size)
    return data.tobytes()


@pytest.fixture(scope="session")
def make_mutants() -> Callable[..., list[Path]]:
    """Write damaged copies of files, the same in every run: see `write`."""

    def write(sources: Sequence[Path], folder: Path, indices: range, *, kinds: Sequence[str] = DAMAGES) -> list[Path]:
        """Write one file an index, named `NNN_kind.suffix`; "suffix" is sound content under another format's name."""
        paths = []
        for index in indices:
            kind = kinds[index % len(kinds)]
            source = sources[(index // len(kinds) + index) % len(sources)]
            suffix = source.suffix
            if kind == "suffix":
                suffix = next(s for s in (".onnx", ".tflite", ".h5", ".keras") if s != source.suffix)
            path = folder / f"{index:03d}_{kind}{suffix}"
            path.write_bytes(damage(source.read_bytes(), kind, np.random.default_rng((2026, index))))
            paths.append(path)
        return paths

    return write


#: Runs a command and writes, as the last line of stderr, the largest resident set of it and its descendants, KiB.
#: A process of its own: an exec'd child's peak counts that of the process it was forked from, and a test worker's
#: own children are those of every earlier test.
MEASURE = """
import resource, subprocess, sys
code = subprocess.run(sys.argv[1:]).returncode
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=sys.stderr)
sys.exit(code)
"""


@pytest.fixture(scope="session")
def run_measured() -> Callable[..., tuple[subprocess.CompletedProcess[str], int]]:
    """Run a command with its output captured: (what it answered, the peak resident set of its processes in KiB)."""

    def run(command: Sequence[str], *, timeout_s: float) -> tuple[subprocess.CompletedProcess[str], int]:
        measured = [sys.executable, "-c", MEASURE, *command]
        found = subprocess.run(measured, capture_output=True, text=True, timeout=timeout_s)
        found.stderr, _, peak = found.stderr.rstrip("\n").rpartition("\n")
        return found, int(peak)

    return run


@pytest.fixture(scope="module")
def run_edgetool() -> Iterator[Callable[..., subprocess.CompletedProcess[str]]]:
    """Run command lines in this process, for tests that start many: their children last from one to the next.

    A command of its own, and a child that is started and ended with it, is what other tests are about. Here TensorFlow
    is imported once a module, and not for each command.
    """
    children: dict[tuple[tuple[str, str], ...], Child] = {}

    def lasting(*, subject: str, environment: Mapping[str, str] | None = None) -> AbstractContextManager[Child]:
        key = tuple(sorted((environment or {}).items()))
        if key not in children:
            children[key] = Child(subject=subject, environment=environment)
        return contextlib.nullcontext(children[key])

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        said, told = io.StringIO(), io.StringIO()
        patch.setattr(sys, "argv", ["edgetool", *arguments])
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(told):
            status = cli._call()
        return subprocess.CompletedProcess(arguments, status, said.getvalue(), told.getvalue())

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CI", "1")
        for module in ("pipeline.compress", "pipeline.export", "training.train"):
            patch.setattr(f"edgetool.{module}.Child", lasting)
        yield run
    for child in children.values():
        child.close()
