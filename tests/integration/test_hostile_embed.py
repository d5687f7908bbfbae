"""Damaged `.tflite` files as C: a clear error, or C that keeps inside of its arrays; in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from edgetool.embed.c_bundle import write_bundle
from edgetool.embed.check_bundle import run_bundle
from edgetool.embed.lower import lower_file
from edgetool.embed.vectors import random_inputs
from edgetool.errors import EdgetoolError, InternalError
from edgetool.targets import find_target

GOLDEN = Path(__file__).parents[1] / "golden" / "models"
NUM_MUTANTS = 300

#: At most so many of the bundles that come of damaged files are compiled and run: a compiler takes a second for each.
NUM_COMPILED = 40

SANITIZED = ("-std=c99", "-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")

pytestmark = pytest.mark.slow


def write_all(paths: list[Path]) -> Counter[str]:
    """Write a bundle of every file, run some of them, and count what came of it."""
    counts: Counter[str] = Counter()
    for path in paths:
        out = path.with_suffix("")
        try:
            write_bundle(path, name="net", out=out, target=find_target("host"), overwrite=False, num_vectors=1)
        except EdgetoolError as exc:
            assert not isinstance(exc, InternalError), f"{path.name}: {exc}"
            assert exc.found and exc.expected and exc.next_step, path.name
            assert not out.exists(), path.name
            counts["refused"] += 1
            continue
        counts["written"] += 1
        if counts["written"] <= NUM_COMPILED:
            program = lower_file(path)
            run_bundle(out, "net", program, random_inputs(program, 2), compiler="gcc", flags=SANITIZED)
            counts["ran"] += 1
    return counts


def test_damaged_files_give_errors_or_sound_code(
    shared_models: Path,
    tmp_path: Path,
    make_mutants: Callable[..., list[Path]],
    run_measured: Callable[..., tuple[subprocess.CompletedProcess[str], int]],
) -> None:
    sources = [GOLDEN / "tiny_int8.tflite", GOLDEN / "tiny_float32.tflite", shared_models / "dscnn_kws_int8.tflite"]
    mutants = make_mutants(sources, tmp_path, range(NUM_MUTANTS))
    found, peak_kib = run_measured([sys.executable, __file__, *map(str, mutants)], timeout_s=900)
    assert found.returncode == 0, found.stderr
    counts = Counter(json.loads(found.stdout))
    assert counts["refused"] + counts["written"] == NUM_MUTANTS
    assert counts["refused"] > NUM_MUTANTS // 3, f"the mutants are too tame: {counts}"
    assert counts["ran"] > NUM_COMPILED // 2, f"the mutants are all dead on arrival: {counts}"
    assert peak_kib < 2 << 20, f"a process took {peak_kib >> 10} MiB"


if __name__ == "__main__":
    print(json.dumps(write_all([Path(name) for name in sys.argv[1:]])))
