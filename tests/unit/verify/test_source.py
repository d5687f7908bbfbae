"""What the child says of models, and how it runs them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import edgetool.ir
from edgetool.artifact import TensorSpec
from edgetool.errors import DataError, FileFormatError
from edgetool.importers.base import ImportedModel
from edgetool.ir.graph import Graph, Op, Quantization, Tensor
from edgetool.records import FLOAT32, INT8
from edgetool.schema import to_builtins
from edgetool.verify import source


def _describe(graph: Graph, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.setattr(edgetool.ir, "read_graph", lambda path, shapes, known_only: graph)
    return source.describe_graph("model")


def _graph(*tensors: Tensor, ops: tuple[Op, ...], inputs: tuple[str, ...] = ("x",)) -> Graph:
    return Graph("tflite", {t.name: t for t in tensors}, ops, inputs, ("y",))


X = Tensor("x", (-1, 4), "float32")


@pytest.mark.parametrize(
    ("dtype", "bits", "is_integer"), [("float32", 32, False), ("float16", 16, False), ("int8", 8, True)]
)
def test_weights_are_told_from_kernels(
    monkeypatch: pytest.MonkeyPatch, dtype: str, bits: int, is_integer: bool
) -> None:
    kernel = Tensor("k", (2, 4), dtype, None, np.ones((2, 4), dtype))
    found = _describe(_graph(X, kernel, ops=(Op("FULLY_CONNECTED", "y", ("x", "k"), ("y",)),)), monkeypatch)
    assert (found["weights"]["bits"], found["weights"]["is_integer"]) == (bits, is_integer)
    assert found["inputs"] == [{"name": "x", "shape": [-1, 4], "dtype": "float32", "low": None, "high": None}]


def test_the_range_of_a_quantised_input(monkeypatch: pytest.MonkeyPatch) -> None:
    quantized = Tensor("x", (1, 4), "int8", Quantization((0.5,), (-128,)))
    (found,) = _describe(_graph(quantized, ops=()), monkeypatch)["inputs"]
    assert (found["low"], found["high"]) == (0.0, 127.5)


def test_the_range_behind_a_quantize_operator(monkeypatch: pytest.MonkeyPatch) -> None:
    inner = Tensor("q", (1, 4), "uint8", Quantization((0.1,), (100,)))
    found = _describe(_graph(X, inner, ops=(Op("QUANTIZE", "q", ("x",), ("q",)),)), monkeypatch)
    assert found["weights"] == to_builtins(INT8)
    assert found["inputs"][0]["low"] == pytest.approx(-10.0)
    assert found["inputs"][0]["high"] == pytest.approx(15.5)


def test_the_range_behind_quantizelinear_and_a_transpose(monkeypatch: pytest.MonkeyPatch) -> None:
    scale = Tensor("s", (), "float32", None, np.array(0.25, np.float32))
    zero = Tensor("z", (), "uint8", None, np.array(0, np.uint8))
    ops = (Op("Transpose", "t", ("x",), ("t",)), Op("QuantizeLinear", "q", ("t", "s", "z"), ("q",)))
    (found,) = _describe(_graph(X, scale, zero, ops=ops), monkeypatch)["inputs"]
    assert (found["low"], found["high"]) == (0.0, 63.75)


@pytest.mark.parametrize("scale", [float("nan"), float("inf"), 0.0])
def test_an_unsound_scale_is_no_range(monkeypatch: pytest.MonkeyPatch, scale: float) -> None:
    quantized = Tensor("x", (1, 4), "int8", Quantization((scale,), (0,)))
    (found,) = _describe(_graph(quantized, ops=()), monkeypatch)["inputs"]
    assert (found["low"], found["high"]) == (None, None)


def test_indices_are_bounded_by_their_table(monkeypatch: pytest.MonkeyPatch) -> None:
    ids = Tensor("x", (1, 4), "int32")
    table = Tensor("t", (50, 8), "float32", None, np.ones((50, 8), np.float32))
    ops = (Op("GATHER", "y", ("t", "x"), ("y",)),)
    (found,) = _describe(_graph(ids, table, ops=ops), monkeypatch)["inputs"]
    assert (found["low"], found["high"]) == (0.0, 49.0)


def test_an_input_that_the_graph_lacks_is_damage(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(FileFormatError, match="'gone'"):
        _describe(_graph(X, ops=(), inputs=("gone",)), monkeypatch)


X_SPEC = TensorSpec("x", (-1, 3), "float32")
OPTIONS = {"trust": False}


def _imported() -> ImportedModel:
    """A model that gives `x + 1` and `2 x`."""
    return ImportedModel(
        model=None,
        source_format="keras",
        num_params=0,
        inputs=(X_SPEC,),
        outputs=(),
        last_activation="",
        runtime="keras",
        run=lambda inputs: (inputs[0] + 1.0, inputs[0] * 2.0),
    )


def _run(array: np.ndarray, folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[np.ndarray]:
    monkeypatch.setattr(source, "_imported", lambda model, options: _imported())
    np.save(folder / "x0.npy", array)
    written = source.run_source("m.keras", [str(folder / "x0.npy")], str(folder / "y"), OPTIONS)
    return [np.load(name) for name in written]


def test_outputs_are_written_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    array = np.arange(30.0).reshape(10, 3)
    both = _run(array, tmp_path, monkeypatch)
    assert np.array_equal(both[0], array + 1.0)
    assert np.array_equal(both[1], array * 2.0)


def test_data_that_does_not_fit_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DataError, match=r"\[N, 3\]"):
        _run(np.zeros((10, 4)), tmp_path, monkeypatch)


def test_a_source_model_is_described(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "_imported", lambda model, options: _imported())
    assert source.describe_source("m.keras", OPTIONS) == {
        "inputs": [{"name": "x", "shape": [-1, 3], "dtype": "float32", "low": None, "high": None}],
        "weights": to_builtins(FLOAT32),
    }
