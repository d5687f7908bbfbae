"""A file gets its name only behind the gate."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from edgetool.data.dataset import Array
from edgetool.errors import ExportError, ParityError
from edgetool.exporters.base import ExportResult
from edgetool.passes.base import ModelState, QuantizationScheme
from edgetool.pipeline import gated
from edgetool.pipeline.gated import Gate, export_gated
from edgetool.recipes.recipe import find_recipe
from edgetool.verify.gate import Judgement, Probe
from edgetool.verify.parity import FLOAT

TINY = Path(__file__).parents[2] / "golden" / "models" / "tiny_float32.tflite"
RIGHT = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)


class _Runner:
    """Gives the same outputs for every file."""

    answer: Array = RIGHT

    def open(self, path: Path, plan: Any) -> Any:
        assert path.is_file()
        return SimpleNamespace(outputs=lambda inputs: (self.answer,), close=lambda: None)


@pytest.fixture(autouse=True)
def exporter(monkeypatch: pytest.MonkeyPatch) -> None:
    def copy(state: ModelState, path: Path, context: Any) -> ExportResult:
        shutil.copyfile(TINY, path)
        return ExportResult({}, ("of the exporter",), {})

    monkeypatch.setattr(gated, "load_exporter", lambda name: copy)
    monkeypatch.setattr(gated, "open_runner", _Runner)


def write(out: Path, *, mode: Any = "none", split: str = "val", must_agree: bool = True) -> Any:
    probe = Probe((np.zeros((4, 2), np.float32),), lambda inputs: (RIGHT,), "4 samples", split)
    gate = Gate(find_recipe("float32"), "", probe, Judgement("float", FLOAT, False), "d" * 64, (), must_agree)
    context: Any = None
    return export_gated(ModelState(None, QuantizationScheme.of(mode)), "tflite", out, context, gate)


def test_a_file_that_passes_is_there_with_what_is_known_of_it(tmp_path: Path) -> None:
    record = write(tmp_path / "a.tflite")
    assert (tmp_path / "a.tflite").read_bytes() == TINY.read_bytes()
    assert record.parity[0].passed
    assert record.notes == ("of the exporter",)


@pytest.mark.parametrize(
    ("mode", "answer", "error"), [("dynamic", RIGHT, ExportError), ("none", RIGHT + 1, ParityError)]
)
def test_a_file_that_fails_is_not_there(
    mode: str, answer: Array, error: type[Exception], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_Runner, "answer", answer)
    with pytest.raises(error):
        write(tmp_path / "a.tflite", mode=mode)
    assert not list(tmp_path.iterdir())


def test_generated_samples_only_warn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_Runner, "answer", RIGHT + 1)
    record = write(tmp_path / "a.tflite", split="random")
    assert record.notes[-1].startswith("on generated inputs: output 0")


def test_compress_judges_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_Runner, "answer", RIGHT + 1)
    assert write(tmp_path / "a.tflite", must_agree=False).parity == ()
    assert (tmp_path / "a.tflite").exists()
