"""2,000 damaged files over all parsers: an answer or one clear error each. `make fuzz` tries more of them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

FUZZ = Path(__file__).parents[1] / "fuzz" / "run.py"
NUM_INPUTS = 2000
SEED = 0

pytestmark = pytest.mark.slow


def test_damaged_files_give_an_answer_or_one_clear_error() -> None:
    command = [sys.executable, str(FUZZ), "--count", str(NUM_INPUTS), "--seed", str(SEED)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stderr[-4000:]
    report = json.loads(done.stdout)
    assert report["inputs"] == NUM_INPUTS and report["findings"] == 0
    answered = sum(number for what, number in report["counts"].items() if what.endswith("answered"))
    killed = sum(number for what, number in report["counts"].items() if what.endswith("child"))
    assert NUM_INPUTS // 10 < answered < NUM_INPUTS * 2 // 3, f"too tame or all dead on arrival: {report['counts']}"
    assert killed < NUM_INPUTS // 100, report["counts"]
