from __future__ import annotations

import csv
import dataclasses
import hashlib
import io
from pathlib import Path
from typing import Any

import pytest

from edgetool.artifact import Artifact, Provenance, Signature
from edgetool.errors import InterpreterCrashError, ManifestError, MissingFileError, UsageError
from edgetool.measure.bench import (
    collect_items,
    make_report,
    make_settings,
    ratio_sentence,
    ratio_verdict,
    to_csv,
)
from edgetool.measure.latency import BenchResult
from edgetool.options.groups import TimingOptions
from edgetool.records import (
    SCHEMA_VERSION,
    ArtifactRecord,
    FailureRecord,
    LatencyRecord,
    Machine,
    Manifest,
    RatioRecord,
    SizeRecord,
)
from edgetool.runners.base import RunPlan
from edgetool.store.manifest_io import save_manifest

DIGEST = hashlib.sha256(b"model").hexdigest()
CRASH = InterpreterCrashError("broken.onnx", found="it crashed", expected="an answer", next_step="export again")
RATIO = RatioRecord("b.tflite", 0.76, 0.74, 0.78)
RECORD = LatencyRecord(
    device="cpu",
    runtime="litert",
    num_threads=1,
    batch=1,
    pinned_cpus=(2, 3),
    num_warmup=3,
    num_samples=5,
    min_ns=1.0,
    mean_ns=2.0,
    p50_ns=2.0,
    p90_ns=3.0,
    p95_ns=3.0,
    p99_ns=3.0,
    max_ns=3.0,
    std_ns=0.5,
    throughput_per_s=5e8,
    load_ns=9.0,
    peak_rss_bytes=10,
    noise="quiet",
    noise_reason="",
    ratio=RATIO,
)
MACHINE = Machine("Linux", "a CPU", 4, (), 1, "", "3.11", {})


def artifact(
    name: str, fmt: str, *, is_reference: bool = False, failure: FailureRecord | None = None
) -> ArtifactRecord:
    file = Artifact(f"artifacts/{name}", fmt, DIGEST, 1, Signature((), ()), Provenance(None, "export"))  # type: ignore[arg-type]
    size = SizeRecord(1, 1, 1)
    return ArtifactRecord(name, "r", file, size, 0, 0, 0, (), is_reference=is_reference, failure=failure)


def make_run(folder: Path, *artifacts: ArtifactRecord) -> Path:
    (folder / "artifacts").mkdir(parents=True)
    for record in artifacts:
        (folder / record.artifact.path).write_bytes(b"model")
    manifest = Manifest(
        SCHEMA_VERSION,
        "0",
        "edgetool",
        "key",
        "",
        "complete",
        0,
        (),
        "host",
        1.0,
        None,
        None,
        None,
        artifacts=artifacts,
    )
    save_manifest(folder, manifest)
    return folder


def settings_of(threads: str = "1", **timing: Any) -> tuple[RunPlan, ...]:
    return make_settings(TimingOptions(**timing), threads=threads, num_cpus=2)


def test_all_threads_are_those_of_the_runners_machine_and_counted_once() -> None:
    plans = make_settings(TimingOptions(), threads="1,all,96", num_cpus=96)
    assert [plan.num_threads for plan in plans] == [1, 96]
    assert plans[0].pin and plans[0].device == "cpu"


def test_gpu_has_one_setting() -> None:
    assert len(make_settings(TimingOptions(device="gpu"), threads="1,2", num_cpus=2)) == 1


@pytest.mark.parametrize(
    ("option", "value", "subject"),
    [
        ("threads", "1,zwei", "--threads"),
        ("threads", "0", "--threads"),
        ("threads", "", "--threads"),
        ("threads", "100000", "--threads"),
        ("batch", 0, "--batch"),
        ("device", "gpus", "--device"),
        ("kernels", "referenz", "--kernels"),
    ],
)
def test_senseless_options_are_refused(option: str, value: object, subject: str) -> None:
    with pytest.raises(UsageError) as caught:
        settings_of(**{option: value})
    assert caught.value.subject == subject


def test_misspelled_device_names_the_nearest() -> None:
    with pytest.raises(UsageError, match="did you mean 'gpu'"):
        make_settings(TimingOptions(device="gpus"), threads="1", num_cpus=2)


def test_files_are_compared_with_the_first_and_named_apart(tmp_path: Path) -> None:
    for name in ("x/a.tflite", "y/a.tflite", "b.onnx"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"model")
    paths = [str(tmp_path / name) for name in ("x/a.tflite", "b.onnx", "y/a.tflite", "x/a.tflite", "x/a.tflite")]
    items = collect_items(paths)
    assert [item.name for item in items[:3]] == ["a.tflite", "b.onnx", paths[2]]
    assert len({item.name for item in items}) == 5
    assert items[0].reference is None and {item.reference for item in items[1:]} == {"a.tflite"}


def test_missing_file_is_refused_before_anything_runs(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError):
        collect_items([str(tmp_path / "none.onnx")])


def test_run_folder_gives_its_sound_artefacts_and_their_references(tmp_path: Path) -> None:
    run = make_run(
        tmp_path / "run",
        artifact("float32.tflite", "tflite", is_reference=True),
        artifact("int8.tflite", "tflite"),
        artifact("int8.onnx", "onnx"),
        artifact("broken.onnx", "onnx", failure=FailureRecord.of(CRASH, stage="verify", recipe="r", format="onnx")),
    )
    items = collect_items([str(run)])
    assert [(item.name, item.reference) for item in items] == [
        ("float32.tflite", "float32.tflite"),
        ("int8.tflite", "float32.tflite"),
        ("int8.onnx", None),
    ]
    assert items[0].path == run / "artifacts/float32.tflite"


def test_two_run_folders_keep_their_names_apart(tmp_path: Path) -> None:
    runs = [make_run(tmp_path / name, artifact("a.onnx", "onnx", is_reference=True)) for name in ("one", "two")]
    items = collect_items([str(run) for run in runs])
    assert [(item.name, item.reference) for item in items] == [("one/a.onnx",) * 2, ("two/a.onnx",) * 2]


def test_run_folder_without_artefacts_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="no artefact"):
        collect_items([str(make_run(tmp_path / "run"))])


def test_run_folder_whose_artefact_is_gone_is_refused(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", artifact("a.onnx", "onnx"))
    (run / "artifacts/a.onnx").unlink()
    with pytest.raises(MissingFileError, match=r"a\.onnx"):
        collect_items([str(run)])


@pytest.mark.parametrize(
    ("value", "low", "high", "verdict", "words"),
    [
        (0.76, 0.74, 0.78, "faster", "a is 0.76x of b.tflite [0.74, 0.78]: faster"),
        (1.30, 1.20, 1.40, "slower", "a is 1.30x of b.tflite [1.20, 1.40]: slower"),
        (0.97, 0.93, 1.01, "undecided", "a is 0.97x of b.tflite [0.93, 1.01]: no difference can be told"),
    ],
)
def test_ratio_in_words(value: float, low: float, high: float, verdict: str, words: str) -> None:
    ratio = RatioRecord("b.tflite", value, low, high)
    assert ratio_verdict(ratio) == verdict
    assert ratio_sentence("a", ratio) == words


def test_csv_has_a_line_for_every_record_and_failure(tmp_path: Path) -> None:
    for name in ("a.tflite", "b.tflite", "c.tflite"):
        (tmp_path / name).write_bytes(b"model")
    items = collect_items([str(tmp_path / name) for name in ("b.tflite", "a.tflite", "c.tflite")])
    plain = dataclasses.replace(RECORD, ratio=None, node_providers={"CPUExecutionProvider": 3})
    crash = MissingFileError("c.tflite", found="nothing", expected="a model", next_step="check")
    result = BenchResult({"a.tflite": (RECORD, plain), "b.tflite": (plain,)}, {"c.tflite": crash})
    report = make_report(items, result, machine=MACHINE, command="edgetool bench", seed=0)
    assert [file.num_bytes for file in report.artifacts] == [5, 5, 5]
    rows = list(csv.DictReader(io.StringIO(to_csv(report))))
    assert [row["artifact"] for row in rows] == ["b.tflite", "a.tflite", "a.tflite", "c.tflite"]
    assert rows[1]["p50_ns"] == "2.0" and rows[1]["ratio_low"] == "0.74" and rows[1]["pinned_cpus"] == "2 3"
    assert rows[2]["node_providers"] == "CPUExecutionProvider=3" and rows[2]["ratio"] == ""
    assert rows[3]["p50_ns"] == "" and "nothing" in rows[3]["failure"]
