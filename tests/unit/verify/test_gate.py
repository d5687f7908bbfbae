"""The gate in front of a file's name: what is refused, and what is said."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgetool.data.dataset import Array
from edgetool.errors import ExportError, FileFormatError, ParityError
from edgetool.passes.base import QuantizationScheme
from edgetool.verify import gate
from edgetool.verify.gate import Judgement, Probe, _is_as_near, pass_gate
from edgetool.verify.parity import FLOAT, QUANTIZED, sqnr_db

GOLDEN = Path(__file__).parents[2] / "golden" / "models"
FILES = {"tflite": GOLDEN / "tiny_float32.tflite", "onnx": GOLDEN / "tiny.onnx", "int8": GOLDEN / "tiny_int8.tflite"}
RIGHT = np.random.default_rng(0).normal(size=(8, 10)).astype(np.float32)


class _Runner:
    """Gives outputs that a test chose, by the kernels that are asked for."""

    name = "host"

    def __init__(self, outputs: dict[str, Array | Exception]) -> None:
        self._outputs = outputs

    def open(self, path: Path, plan: Any) -> Any:
        chosen = self._outputs[plan.kernels]
        if isinstance(chosen, Exception):
            raise chosen
        return _Session(chosen)


class _Session:
    def __init__(self, outputs: Array) -> None:
        self._outputs = outputs

    def outputs(self, inputs: tuple[Array, ...], *, batch_size: int = 64) -> tuple[Array, ...]:
        return (self._outputs[: len(inputs[0])],)

    def close(self) -> None:
        pass


def check(file: str, outputs: dict[str, Array | Exception], mode: Any = "none", split: str = "val") -> Any:
    probe = Probe((np.zeros((8, 4), np.float32),), lambda inputs: (RIGHT[: len(inputs[0])],), "8 samples", split)
    judgement = Judgement("float", FLOAT, True) if mode == "none" else Judgement("quantized", QUANTIZED, True)
    runner: Any = _Runner(outputs)
    return pass_gate(FILES[file], "a.tflite", probe, judgement, QuantizationScheme.of(mode), runner)


@pytest.mark.parametrize("file", ["tflite", "onnx"])
def test_an_equal_file_passes(file: str) -> None:
    found = check(file, {"default": RIGHT})
    assert found.parity.passed
    assert found.parity.num_samples == 8
    assert found.notes == ()


def test_outputs_outside_the_limits_are_in_the_record() -> None:
    assert not check("tflite", {"default": RIGHT + 1.0}).parity.passed


def test_a_file_that_cannot_be_loaded_is_the_exports_failure() -> None:
    broken = FileFormatError("x", found="could not be loaded: no kernel", expected="one", next_step="none")
    with pytest.raises(ExportError, match="LiteRT cannot run the file that was written: could not be loaded"):
        check("tflite", {"default": broken})


def test_not_a_number_is_refused() -> None:
    with pytest.raises(ParityError, match="NaN"):
        check("tflite", {"default": np.full_like(RIGHT, np.nan)})


def test_a_file_in_which_nothing_changed_is_refused_before_it_runs() -> None:
    with pytest.raises(ExportError, match="changed nothing"):
        check("tflite", {}, mode="dynamic")


def test_fast_kernels_that_are_further_off_than_the_reference_are_refused() -> None:
    noise = np.random.default_rng(1).normal(size=RIGHT.shape).astype(np.float32)
    with pytest.raises(ParityError, match="specification's evaluator gives"):
        check("int8", {"default": RIGHT + 0.3 * noise, "reference": RIGHT + 0.01 * noise}, mode="static")


class _RoundingRunner(_Runner):
    """Its reference kernels give other outputs for other inputs, as far apart as a test says."""

    def __init__(self, default: Array, reference: Array, scatter: float) -> None:
        super().__init__({"default": default})
        self._reference, self._scatter = reference, scatter

    def open(self, path: Path, plan: Any) -> Any:
        if plan.kernels == "default":
            return super().open(path, plan)
        return _Scattered(self._reference, self._scatter)


class _Scattered(_Session):
    def __init__(self, outputs: Array, scatter: float) -> None:
        super().__init__(outputs)
        self._scatter = scatter

    def outputs(self, inputs: tuple[Array, ...], *, batch_size: int = 64) -> tuple[Array, ...]:
        (found,) = super().outputs(inputs)
        move = np.random.default_rng(2).normal(size=found.shape).astype(np.float32)
        return (found + (self._scatter * move if (inputs[0] % 1.0).any() else 0.0),)


@pytest.mark.parametrize(("scatter", "passes"), [(0.3, True), (0.1, False)])
def test_rounding_that_carries_far_explains_a_distance(scatter: float, passes: bool) -> None:
    noise = np.random.default_rng(1).normal(size=RIGHT.shape).astype(np.float32)
    inputs = np.tile(np.arange(8, dtype=np.float32)[:, None], (1, 4))
    probe = Probe((inputs,), lambda given: (RIGHT[: len(given[0])],), "8 samples", "val")
    runner: Any = _RoundingRunner(RIGHT + 0.4 * noise, RIGHT + 0.1 * noise, scatter)
    judgement = Judgement("quantized", QUANTIZED, True)
    if not passes:
        with pytest.raises(ParityError, match="specification's evaluator gives"):
            pass_gate(FILES["int8"], "a.tflite", probe, judgement, QuantizationScheme.of("static"), runner)
        return
    notes = pass_gate(FILES["int8"], "a.tflite", probe, judgement, QuantizationScheme.of("static"), runner).notes
    assert "inputs that move by half a step of 8 bits make as much" in notes[-1]


def test_fast_kernels_within_three_decibels_pass() -> None:
    noise = 0.1 * np.random.default_rng(1).normal(size=RIGHT.shape).astype(np.float32)
    found = check("int8", {"default": RIGHT + 1.2 * noise, "reference": RIGHT + noise}, mode="static")
    assert found.parity.passed
    assert found.notes == ()


def test_reference_kernels_that_cannot_run_it_are_a_note() -> None:
    broken = FileFormatError("x", found="aborted", expected="life", next_step="none")
    (note,) = check("int8", {"default": RIGHT, "reference": broken}, mode="static").notes
    assert note.startswith("not compared with the specification: LiteRT's reference kernels cannot run it")


def test_models_too_large_for_the_evaluator_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "op_macs", lambda graph, op: 10**9)
    (note,) = check("int8", {"default": RIGHT}, mode="static").notes
    assert "would take minutes" in note


def test_large_models_are_compared_on_fewer_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "op_macs", lambda graph, op: 10**12)
    assert check("tflite", {"default": RIGHT}).parity.num_samples == gate.MIN_SAMPLES


def test_the_source_runs_once_for_all_files_of_a_probe() -> None:
    calls: list[int] = []

    def run(inputs: tuple[Array, ...]) -> tuple[Array, ...]:
        calls.append(len(inputs[0]))
        return (RIGHT[: len(inputs[0])],)

    probe = Probe((np.zeros((8, 4), np.float32),), run, "8 samples", "val")
    assert probe.first(4)[1][0].shape == (4, 10)
    probe.first(4)
    assert calls == [4]


def test_a_kernel_that_is_wrong_on_most_samples_is_not_as_near() -> None:
    random = np.random.default_rng(0)
    source = random.normal(size=(16, 10))
    right = source + 0.3 * random.normal(size=source.shape)
    astray = source + 0.3 * random.normal(size=source.shape)
    astray[:5] += 2.0
    assert sqnr_db(source, astray) < sqnr_db(source, right) - 6.0
    assert _is_as_near(source, astray, right, 24.0), "most samples are as near as the specification's"
    wrong = source + 0.6 * random.normal(size=source.shape)
    assert not _is_as_near(source, wrong, right, 24.0)
    assert not _is_as_near(source[:4], astray[:4], right[:4], 24.0), "four samples tell nothing"
