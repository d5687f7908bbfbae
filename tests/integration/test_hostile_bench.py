"""Damaged model files: a clear error or an answer, never a dead parent, a traceback, a hang or all of the memory."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from edgetool.errors import EdgetoolError, InternalError
from edgetool.runners.base import RunPlan
from edgetool.runners.process import ProcessRunner

GOLDEN = Path(__file__).parents[1] / "golden" / "models"
NUM_MUTANTS = 60
MODELS = ("tiny_float32.tflite", "tiny_int8.tflite", "tiny.onnx")

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def mutants(tmp_path_factory: pytest.TempPathFactory, make_mutants: Callable[..., list[Path]]) -> list[Path]:
    return make_mutants([GOLDEN / name for name in MODELS], tmp_path_factory.mktemp("mutants"), range(NUM_MUTANTS))


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


def test_bench_reports_every_mutant_and_times_the_good_file(
    mutants: list[Path], run_measured: Callable[..., tuple[subprocess.CompletedProcess[str], int]]
) -> None:
    good = GOLDEN / "tiny_float32.tflite"
    command = [sys.executable, "-m", "edgetool.cli.main", "bench", str(good), *map(str, mutants)]
    command += ["--threads", "1", "--runs", "3", "--timeout", "20", "--json"]
    found, peak_kib = run_measured(command, timeout_s=300)
    assert "Traceback" not in found.stderr
    assert found.returncode in {11, 13, 50, 51}, found.stderr
    files = {file["name"]: file for file in json.loads(found.stdout)["artifacts"]}
    assert len(files) == NUM_MUTANTS + 1
    assert files[good.name]["latency"][0]["num_samples"] == 3
    for name, file in files.items():
        assert file["failure"] or file["latency"], f"{name} has neither an error nor a result"
    assert peak_kib < 2 << 20, f"a process took {peak_kib >> 10} MiB"


def test_bench_of_one_damaged_file_says_what_is_wrong(tmp_path: Path) -> None:
    path = tmp_path / "cut.tflite"
    path.write_bytes((GOLDEN / "tiny_float32.tflite").read_bytes()[:900])
    command = [sys.executable, "-m", "edgetool.cli.main", "bench", str(path), "--runs", "3"]
    found = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert found.returncode == 11
    assert "cut.tflite" in found.stderr and "next:" in found.stderr and "Traceback" not in found.stderr
