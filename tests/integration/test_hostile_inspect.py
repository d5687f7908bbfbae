"""Damaged model files through the reader: an answer or a clear error, never a dead parent, a defect, a hang."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from edgetool.errors import EdgetoolError, FileFormatError, InternalError
from edgetool.ir.summary import Summary, reading_seconds
from edgetool.runners.child import Child
from edgetool.schema import parse

GOLDEN = Path(__file__).parents[1] / "golden" / "models"
NUM_MUTANTS = 200
SECONDS_EACH = 30.0

pytestmark = pytest.mark.slow

RunMeasured = Callable[..., tuple[subprocess.CompletedProcess[str], int]]


#: Beside the kinds of damage: sound content under another format's name.
KINDS = (
    "truncated",
    "nicked",
    "flipped",
    "swapped",
    "zeroed",
    "scrambled",
    "empty",
    "header",
    "suffix",
    "doubled",
)


def read_all(paths: list[Path]) -> Counter[str]:
    """Read every file in one long-lived child and count what came of it, by kind of damage."""
    counts: Counter[str] = Counter()
    with Child(subject="mutants") as child:
        for path in paths:
            kind = path.stem.partition("_")[2]
            start = time.monotonic()
            try:
                answer = child.call(
                    "edgetool.ir.summary:summarize_guarded", {"path": str(path)}, timeout_s=reading_seconds(path)
                )
                check_answer(parse(Summary, answer, source=path.name, error=FileFormatError), path)
                json.dumps(answer).encode("utf-8")
                counts[f"{kind}: answered"] += 1
            except EdgetoolError as exc:
                assert not isinstance(exc, InternalError), f"{path.name}: {exc}"
                assert exc.found and exc.expected and exc.next_step, path.name
                if type(exc) is FileFormatError:
                    assert path.name in str(exc), f"{path.name}: {exc}"
                counts[f"{kind}: {type(exc).__name__}"] += 1
            assert time.monotonic() - start < SECONDS_EACH, path.name
    return counts


def read_apart(paths: list[Path], run_measured: RunMeasured) -> Counter[str]:
    """Do `read_all` in a process of its own, so that the memory of its children can be told."""
    found, peak_kib = run_measured([sys.executable, __file__, *map(str, paths)], timeout_s=900)
    assert found.returncode == 0, found.stderr
    assert peak_kib < 2 << 20, f"a process took {peak_kib >> 10} MiB"
    return Counter(json.loads(found.stdout))


def check_answer(summary: Summary, path: Path) -> None:
    assert summary.num_bytes == path.stat().st_size
    assert summary.num_params == sum(layer.num_params for layer in summary.layers) >= 0
    assert all((layer.weights is None or 0 <= layer.weights.zeros <= 1) and layer.macs >= 0 for layer in summary.layers)
    if summary.memory is not None:
        assert summary.memory.arena_bytes >= summary.memory.lower_bound_bytes >= 0
        for buffer in summary.memory.buffers:
            assert 0 <= buffer.offset <= buffer.offset + buffer.num_bytes <= summary.memory.arena_bytes


def assert_sensible(counts: Counter[str], least_answered: float) -> None:
    answered = sum(count for what, count in counts.items() if what.endswith("answered"))
    refused = sum(count for what, count in counts.items() if what.endswith("FileFormatError"))
    assert answered + refused >= NUM_MUTANTS * 0.9, counts
    assert refused > NUM_MUTANTS // 4, f"the mutants are too tame: {counts}"
    assert answered > NUM_MUTANTS * least_answered, f"the mutants are all dead on arrival: {counts}"
    for kind in ("empty", "suffix"):
        assert not any(what.startswith(kind) and what.endswith("answered") for what in counts), counts


def test_mutants_of_small_models(
    tmp_path: Path, make_mutants: Callable[..., list[Path]], run_measured: RunMeasured
) -> None:
    sources = [
        GOLDEN / name for name in ("tiny_float32.tflite", "tiny.onnx", "tiny.keras", "tiny_int8.tflite", "tiny.h5")
    ]
    mutants = make_mutants(sources, tmp_path, range(NUM_MUTANTS), kinds=KINDS)
    assert_sensible(read_apart(mutants, run_measured), least_answered=0.05)  # little but structure


def test_mutants_of_published_models(
    shared_models: Path, tmp_path: Path, make_mutants: Callable[..., list[Path]], run_measured: RunMeasured
) -> None:
    names = ("resnet8_cifar10_int8.tflite", "dscnn_kws_float32.tflite", "resnet8_cifar10.h5", "autoencoder_toycar.h5")
    sources = [shared_models / name for name in names]
    sources += [GOLDEN / "tiny.onnx", GOLDEN / "tiny.keras", shared_models / "dscnn_kws_int8.tflite"]
    mutants = make_mutants(sources, tmp_path, range(NUM_MUTANTS), kinds=KINDS)
    assert_sensible(read_apart(mutants, run_measured), least_answered=0.1)


def test_the_command_line_says_what_is_wrong(tmp_path: Path) -> None:
    for name in ("tiny_int8.tflite", "tiny.onnx", "tiny.keras", "tiny.h5"):
        path = tmp_path / name
        content = (GOLDEN / name).read_bytes()
        path.write_bytes(content[: len(content) * 2 // 3])
        command = [sys.executable, "-m", "edgetool.cli.main", "inspect", str(path)]
        found = subprocess.run(command, capture_output=True, text=True, timeout=120)
        assert found.returncode == 11, found.stderr
        assert name in found.stderr and "next:" in found.stderr and "Traceback" not in found.stderr


def test_a_small_file_cannot_ask_for_all_the_memory(tmp_path: Path) -> None:
    import h5py

    path = tmp_path / "huge.h5"
    config = {"class_name": "Sequential", "config": {"layers": [{"class_name": "Dense", "config": {"name": "d"}}]}}
    with h5py.File(path, "w") as store:
        store.attrs["model_config"] = json.dumps(config)
        group = store.create_group("model_weights/d")
        group.attrs["weight_names"] = [b"d/kernel:0"]
        group.create_dataset("d/kernel:0", shape=(1 << 20, 1 << 20), chunks=(1024, 1024), dtype="f4")
    assert path.stat().st_size < 1 << 20
    with Child(subject=str(path)) as child, pytest.raises(FileFormatError) as caught:
        child.call("edgetool.ir.summary:summarize_guarded", {"path": str(path)}, timeout_s=SECONDS_EACH)
    assert "stored bytes" in str(caught.value)


if __name__ == "__main__":  # see `read_apart`
    print(json.dumps(read_all([Path(name) for name in sys.argv[1:]])))
