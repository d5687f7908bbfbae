"""The coverage table that `benchmarks/zoo.py` writes says nothing of the machine that measured it."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "zoo.py"


@pytest.fixture(scope="module")
def script() -> Iterator[ModuleType]:
    spec = importlib.util.spec_from_file_location("coverage_table", SCRIPT)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (
            "/data/runs/bert-run/artifacts/w8a16_static.tflite: could not be run: tflite/kernels/div.cc:262 is 0",
            "w8a16_static.tflite: could not be run: tflite/kernels/div.cc:262 is 0",
        ),
        (
            'in user code: File "/opt/venv/lib/python3.11/site-packages/tfmot/quantize_layer.py", line 79',
            'in user code: File "quantize_layer.py", line 79',
        ),
        ("see https://example.org/issues/979 and/or a/b", "see https://example.org/issues/979 and/or a/b"),
    ],
)
def test_messages_name_files_without_their_folders(script: ModuleType, message: str, expected: str) -> None:
    manifest = SimpleNamespace(notes=("w8a8_qat.onnx failed: no", f"w8a8_qat failed: {message}"))
    assert script._refusal(manifest, "w8a8_qat", "tflite") == expected
    assert script._refusal(manifest, "float16", "tflite") == "not made"
    row = script.Row(**dict.fromkeys(script.Row.__dataclass_fields__))
    artifact = SimpleNamespace(
        evaluation=None, latency=(), parity=(), invariants=(), failure=message, size=SimpleNamespace(raw=1)
    )
    assert script._filled(row, artifact, None).status == expected


def test_what_was_not_measured_again_stays_in_the_table(script: ModuleType, tmp_path: Path) -> None:
    old = script._read(SCRIPT.with_name("zoo.csv"))
    assert old and {type(row.is_default) for row in old} == {bool} and {type(row.epochs) for row in old} == {int}
    assert {type(row.ratio) for row in old} == {float, type(None)}
    measured = [script.dataclasses.replace(row, date="2030-01-01") for row in old if row.model == old[-1].model]
    merged = script._merged(old, measured)
    assert {row.date for row in merged if row.model == old[-1].model} == {"2030-01-01"}
    assert [row for row in merged if row.model != old[-1].model] == [r for r in old if r.model != old[-1].model]
