"""Damaged model files: a clear error or an answer, never a dead parent, a traceback, a hang or all of the memory."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from edgetool.errors import EdgetoolError, InternalError
from edgetool.runners.base import RunPlan
from edgetool.runners.process import ProcessRunner

GOLDEN = Path(__file__).parents[1] / "golden" / "models"
KINDS = ("truncated", "nicked", "flipped", "swapped", "zeroed", "scrambled_offsets", "empty", "header")
NUM_MUTANTS = 60
SEED = 20
MODELS = ("tiny_float32.tflite", "tiny_int8.tflite", "tiny.onnx")

pytestmark = pytest.mark.slow


def mutate(content: bytes, index: int) -> bytes:
    """Damage `content` in the way of `index`, the same in every run."""
    generator = np.random.default_rng((SEED, index))
    kind = KINDS[index % len(KINDS)]
    data = np.frombuffer(content, np.uint8).copy()
    size = data.size
    if kind == "truncated":
        return content[: int(generator.integers(9, size))]
    if kind == "empty":
        return b"" if index % 2 else content[:8]
    if kind == "header":
        data[: int(generator.integers(1, 32))] ^= generator.integers(1, 256, dtype=np.uint8)
    elif kind in ("nicked", "flipped"):
        where = generator.integers(8, size, int(generator.integers(1, 4 if kind == "nicked" else 40)))
        data[where] ^= (1 << generator.integers(0, 8, where.size)).astype(np.uint8)
    elif kind == "zeroed":
        start = int(generator.integers(8, size - 64))
        data[start : start + 64] = 0
    elif kind == "swapped":
        a, b = sorted(int(v) for v in generator.choice(size // 64, 2, replace=False) * 64)
        data[a : a + 64], data[b : b + 64] = data[b : b + 64].copy(), data[a : a + 64].copy()
    else:  # large numbers where offsets, sizes and shapes are
        words = data[8 : size // 4 * 4].view(np.uint32)
        where = generator.integers(0, words.size, 6)
        words[where] = generator.choice([0x7FFFFFFF, 0xFFFFFFFF, 0x00FFFFFF, 0x40000000], where.size)
    return data.tobytes()


@pytest.fixture(scope="module")
def mutants(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("mutants")
    paths = []
    for index in range(NUM_MUTANTS):
        source = GOLDEN / MODELS[index % len(MODELS)]
        path = folder / f"{index:02d}_{KINDS[index % len(KINDS)]}{source.suffix}"
        path.write_bytes(mutate(source.read_bytes(), index))
        paths.append(path)
    return paths


def test_the_runner_answers_or_refuses_every_mutant(mutants: list[Path]) -> None:
    plan = RunPlan(timeout_s=20.0)
    answered = refused = 0
    for index, path in enumerate(mutants):
        shape = (3, 6) if path.suffix == ".onnx" else (3, 4, 4, 2)
        samples = np.random.default_rng(index).uniform(-1, 1, shape).astype(np.float32)
        try:
            with ProcessRunner().open(path, plan) as session:
                outputs = session.outputs((samples,))
                assert all(output.shape[0] == 3 for output in outputs)
                assert len(session.time(3)) == 3
                answered += 1
        except EdgetoolError as exc:
            assert not isinstance(exc, InternalError), f"{path.name}: {exc}"
            assert exc.next_step and exc.expected and str(path) in str(exc), f"{path.name}: {exc}"
            refused += 1
    assert refused > NUM_MUTANTS // 3, "the mutants are too tame"
    assert answered > 0, "the mutants are all dead on arrival"


def test_bench_reports_every_mutant_and_times_the_good_file(mutants: list[Path]) -> None:
    good = GOLDEN / "tiny_float32.tflite"
    command = [sys.executable, "-m", "edgetool.cli.main", "bench", str(good), *map(str, mutants)]
    command += ["--threads", "1", "--runs", "3", "--timeout", "20", "--json"]
    found = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert "Traceback" not in found.stderr
    assert found.returncode in {11, 13, 50, 51}, found.stderr
    files = {file["name"]: file for file in json.loads(found.stdout)["artifacts"]}
    assert len(files) == NUM_MUTANTS + 1
    assert files[good.name]["latency"][0]["num_samples"] == 3
    for name, file in files.items():
        assert file["failure"] or file["latency"], f"{name} has neither an error nor a result"
    largest = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    assert largest < 2 << 20, f"a child took {largest >> 10} MiB"


def test_bench_of_one_damaged_file_says_what_is_wrong(tmp_path: Path) -> None:
    path = tmp_path / "cut.tflite"
    path.write_bytes((GOLDEN / "tiny_float32.tflite").read_bytes()[:900])
    command = [sys.executable, "-m", "edgetool.cli.main", "bench", str(path), "--runs", "3"]
    found = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert found.returncode == 11
    assert "cut.tflite" in found.stderr and "next:" in found.stderr and "Traceback" not in found.stderr
