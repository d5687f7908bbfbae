"""Two model files compared, with models that need no process."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgetool.data.dataset import Split
from edgetool.errors import DataError, FileFormatError, MissingFileError, ParityError, UnsupportedModelError
from edgetool.records import FLOAT16, FLOAT32, INT8, WeightFormat
from edgetool.runners.process import ProcessRunner
from edgetool.verify import files
from edgetool.verify.files import ModelFacts, verify_files
from edgetool.verify.inputs import InputFacts, InputLoader, VerifyInputs

Outputs = Callable[[np.ndarray], np.ndarray]


class FakeModel:
    def __init__(self, outputs: Outputs, weights: WeightFormat = FLOAT32, shape: tuple[int, ...] = (-1, 6)) -> None:
        self._outputs = outputs
        self._facts = ModelFacts((InputFacts("x", shape, "float32"),), weights)
        self.closed = False

    def facts(self) -> ModelFacts:
        return self._facts

    def outputs(self, inputs: tuple[np.ndarray, ...]) -> tuple[np.ndarray, ...]:
        return (self._outputs(inputs[0]),)

    def close(self) -> None:
        self.closed = True


def _softmax(x: np.ndarray) -> np.ndarray:
    powers = np.exp(4 * x)
    return powers / powers.sum(axis=1, keepdims=True)


@pytest.fixture
def verify(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    def call(a: FakeModel, b: FakeModel, **options: Any) -> Any:
        models = iter((a, b))
        monkeypatch.setattr(files, "_open", lambda path, runner, options: next(models))
        return verify_files(Path("a"), Path("b"), runner=ProcessRunner(), **options)

    return call


def test_equal_float_models_agree_on_noise(verify: Callable[..., Any]) -> None:
    a, b = FakeModel(_softmax), FakeModel(lambda x: _softmax(x) + 1e-6)
    steps: list[tuple[str, int, int]] = []
    found = verify(a, b, num_samples=32, progress=lambda *step: steps.append(step))
    assert found.parity.passed
    assert (found.parity.kind, found.parity.num_samples, found.parity.split) == ("float", 32, "random")
    assert found.parity.top1_agreement == 1.0
    assert (found.parity.reference, found.parity.artifact) == ("a", "b")
    assert "32 random samples" in found.inputs
    assert a.closed and b.closed
    assert steps[-1] == ("run", 2, 2)


@pytest.mark.parametrize(
    ("weights", "kind", "limit"),
    [
        ((FLOAT32, FLOAT16), "float", "0.02"),
        ((FLOAT32, INT8), "quantized", "SQNR >= 5 dB"),
        ((INT8, FLOAT16), "quantized", "SQNR >= 5 dB"),
        ((INT8, INT8), "runtimes", "SQNR >= 5 dB"),
    ],
)
def test_the_coarser_file_sets_the_limit(
    verify: Callable[..., Any], weights: tuple[WeightFormat, WeightFormat], kind: str, limit: str
) -> None:
    found = verify(FakeModel(_softmax, weights[0]), FakeModel(_softmax, weights[1]))
    assert found.parity.kind == kind
    assert limit in found.parity.limits


def _given(labels: np.ndarray | None) -> InputLoader:
    inputs = np.random.default_rng(0).normal(size=(40, 6))
    return lambda _: VerifyInputs(Split("val", (inputs,), labels), "40 samples", is_noise=False)


def test_data_sets_the_stricter_limits_of_real_inputs(verify: Callable[..., Any]) -> None:
    a, b = FakeModel(_softmax), FakeModel(_softmax, INT8)
    found = verify(a, b, data=_given(None))
    assert found.parity.limits == "SQNR >= 10 dB, top-1 agreement >= 0.9, correlation >= 0.5"
    assert found.parity.split == "val"


def test_integer_labels_make_logits_classes_and_targets_do_not(verify: Callable[..., Any]) -> None:
    def logits(x: np.ndarray) -> np.ndarray:
        return x

    labelled = verify(FakeModel(logits), FakeModel(logits), data=_given(np.arange(40) % 6))
    assert labelled.parity.top1_agreement == 1.0
    assert verify(FakeModel(logits), FakeModel(logits), data=_given(None)).parity.top1_agreement is None
    targets = verify(FakeModel(_softmax), FakeModel(_softmax), data=_given(np.zeros((40, 6))))
    assert targets.parity.top1_agreement is None


def test_a_stated_tolerance_replaces_the_limits(verify: Callable[..., Any]) -> None:
    a, b = FakeModel(_softmax), FakeModel(lambda x: _softmax(x) + 0.01)
    assert not verify(a, b).parity.passed
    assert verify(a, b, tolerance=files.Tolerance(max_abs_error=0.02)).parity.passed


def test_everything_is_closed_when_a_model_fails(verify: Callable[..., Any]) -> None:
    def fail(x: np.ndarray) -> np.ndarray:
        raise DataError("b", found="x", expected="y", next_step="z")

    a, b = FakeModel(_softmax), FakeModel(fail)
    with pytest.raises(DataError):
        verify(a, b)
    assert a.closed and b.closed


def test_models_with_other_inputs_are_refused(verify: Callable[..., Any]) -> None:
    with pytest.raises(ParityError):
        verify(FakeModel(_softmax), FakeModel(_softmax, shape=(-1, 7)))


def test_missing_and_foreign_files_are_refused_before_anything_runs(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError):
        verify_files(tmp_path / "a.tflite", tmp_path / "b.onnx", runner=ProcessRunner())
    text = tmp_path / "a.onnx"
    text.write_text("hello, this is no model")
    with pytest.raises(FileFormatError):
        verify_files(text, text, runner=ProcessRunner())


class _RefusingRunner:
    """A runner whose runtime has no kernels for a file."""

    def open(self, *_: Any) -> Any:
        raise UnsupportedModelError("old.onnx", found="no kernel for Add(6)", expected="one", next_step="raise it")


@pytest.mark.parametrize("imports", [True, False])
def test_an_onnx_file_without_kernels_is_run_as_it_is_imported(imports: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    closed = []

    class Imported:
        def __init__(self, model: str, kind: str, options: Any) -> None:
            assert (model, kind) == ("old.onnx", "onnx")

        def outputs(self, inputs: tuple[np.ndarray, ...]) -> tuple[np.ndarray, ...]:
            if not imports:
                raise UnsupportedModelError("old.onnx", found="operators", expected="others", next_step="give up")
            return (2 * inputs[0],)

        def close(self) -> None:
            closed.append(True)

    monkeypatch.setattr(files, "_SourceModel", Imported)
    model = files._ExportedModel(Path("old.onnx"), _RefusingRunner(), ())  # type: ignore[arg-type]
    if imports:
        assert model.outputs((np.ones(3),))[0].tolist() == [2.0, 2.0, 2.0]
    else:
        with pytest.raises(UnsupportedModelError, match=r"no kernel for Add\(6\)"):
            model.outputs((np.ones(3),))
    assert closed == [True]
    with pytest.raises(UnsupportedModelError, match="no kernel"):
        files._ExportedModel(Path("a.tflite"), _RefusingRunner(), ()).outputs((np.ones(3),))  # type: ignore[arg-type]
