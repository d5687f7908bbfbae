"""The models of one operator that doctor runs: right in their format, and a broken runtime is reported."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgetool.artifact import sniff_format
from edgetool.doctor import smoke
from edgetool.errors import InterpreterCrashError


def test_models_are_what_they_claim(tmp_path: Path) -> None:
    smoke.write_tflite(str(tmp_path / "a.tflite"))
    smoke.write_onnx(str(tmp_path / "a.onnx"))
    assert sniff_format(tmp_path / "a.tflite") == "tflite"
    assert sniff_format(tmp_path / "a.onnx") == "onnx"


def test_a_dead_runtime_is_a_failure_with_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    def dies(suffix: str) -> str:
        if suffix == "onnx":
            raise InterpreterCrashError("add.onnx", found="killed by SIGILL", expected="life", next_step="reinstall")
        return "fine"

    monkeypatch.setattr(smoke, "_infer", dies)
    monkeypatch.setattr(smoke, "_train", lambda: "fine")
    seen: list[tuple[str, int, int]] = []
    found = {finding.name: finding for finding in smoke.check_runs(lambda *step: seen.append(step))}
    assert found["litert"].status == "ok" and found["tensorflow"].status == "ok"
    assert found["onnxruntime"].is_failure and found["onnxruntime"].found == "add.onnx: killed by SIGILL"
    assert seen[0][1:] == (0, 3) and seen[-1][1:] == (3, 3)
