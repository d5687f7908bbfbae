"""`--device gpu` on a real GPU. Skips loudly where there is none."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from edgetool.runners.base import RunPlan
from edgetool.runners.process import ProcessRunner

GOLDEN = Path(__file__).parents[1] / "golden" / "models"
CUDA = "CUDAExecutionProvider"


@pytest.fixture(scope="module", autouse=True)
def gpu() -> None:
    import onnxruntime

    if CUDA not in onnxruntime.get_available_providers():
        pytest.skip("onnxruntime has no CUDA provider: install onnxruntime-gpu[cuda,cudnn] on a machine with a GPU")
    if shutil.which("nvidia-smi") is None or subprocess.run(["nvidia-smi"], capture_output=True).returncode != 0:
        pytest.skip("nvidia-smi finds no NVIDIA GPU")


def test_gpu_answers_as_the_cpu_does_and_names_its_nodes() -> None:
    rows = np.random.default_rng(0).normal(size=(9, 6)).astype(np.float32)
    found = {}
    for device in ("cpu", "gpu"):
        with ProcessRunner().open(GOLDEN / "tiny.onnx", RunPlan(device=device, timeout_s=120.0)) as session:
            (found[device],) = session.outputs((rows,))
            if device == "gpu":
                assert session.node_providers.get(CUDA, 0) >= 2
                assert min(session.time(20, num_warmup=5)) > 0
    np.testing.assert_allclose(found["gpu"], found["cpu"], rtol=1e-2, atol=1e-3)  # TF32 on Ampere and later


def test_bench_command_reports_the_provider_of_every_node() -> None:
    command = [sys.executable, "-m", "edgetool.cli.main", "bench", str(GOLDEN / "tiny.onnx")]
    command += ["--device", "gpu", "--runs", "50", "--json"]
    found = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert found.returncode == 0, found.stderr
    (record,) = json.loads(found.stdout)["artifacts"][0]["latency"]
    assert record["device"] == "gpu" and record["node_providers"][CUDA] >= 2
