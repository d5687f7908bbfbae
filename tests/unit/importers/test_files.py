"""Finished graphs as sources: what they say of themselves, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgetool.artifact import TensorSpec
from edgetool.errors import UnsupportedModelError
from edgetool.importers import import_model
from edgetool.importers.base import ImportOptions
from edgetool.importers.files import import_file, require_static
from edgetool.ir.graph import Graph, Op, Quantization, Tensor
from edgetool.passes.frozen import FrozenModel

GOLDEN = Path(__file__).parents[2] / "golden" / "models"
X, Y = Tensor("x", (-1, 6), "float32"), Tensor("y", (-1, 6), "float32")


def graph(*tensors: Tensor, kind: str = "Relu") -> Graph:
    every = {tensor.name: tensor for tensor in (X, Y, *tensors)}
    return Graph("onnx", every, (Op(kind, "n", ("x",), ("y",)),), ("x",), ("y",))


def load(found: Graph) -> FrozenModel:
    model = import_file(Path("folder/net.onnx"), found, "onnx", "onnxruntime", lambda: b"content").model
    assert isinstance(model, FrozenModel)
    return model


def test_a_graph_is_described() -> None:
    model = load(graph())
    assert (model.name, model.origin) == ("net", "an ONNX file")
    assert model.inputs == (TensorSpec("x", (-1, 6), "float32"),)
    assert model.content("onnx") == b"content"
    assert ".keras" in model.instead


@pytest.mark.parametrize(
    ("found", "text"),
    [
        (graph(kind="QuantizeLinear"), "quantised already .operators QuantizeLinear"),
        (graph(kind="DEQUANTIZE"), "quantised already"),
        (graph(kind="DynamicQuantizeMatMul"), "quantised already"),
        (graph(Tensor("q", (4,), "int8", Quantization((0.1,), (0,)))), "'q' in int8"),
        (graph(Tensor("h", (4, 8), "float16", constant=np.zeros((4, 8), np.float16))), "float16"),
        (graph(Tensor("d", (4, 8), "float64")), "float64"),
    ],
)
def test_reduced_models_are_refused(found: Graph, text: str) -> None:
    with pytest.raises(UnsupportedModelError, match=text) as caught:
        load(found)
    assert "float" in caught.value.next_step


def test_small_constants_of_another_type_do_no_harm() -> None:
    load(graph(Tensor("limit", (), "float64", constant=np.array(1.0))))


@pytest.mark.parametrize(
    ("shape", "text"),
    [((-1, -1, 3), r"open dimensions in shape \[N, \?, 3\]"), ((2, 4, -1), r"\[N, 4, \?\]"), ((), "a scalar")],
)
def test_only_the_batch_may_be_open(shape: tuple[int, ...], text: str) -> None:
    with pytest.raises(UnsupportedModelError, match=text):
        require_static("m.onnx", (TensorSpec("x", shape, "float32"),))
    with pytest.raises(UnsupportedModelError, match="without inputs"):
        require_static("m.onnx", ())


@pytest.mark.parametrize(
    ("name", "runtime", "shape", "num_params", "activation"),
    [
        ("tiny.onnx", "onnxruntime", (4, 6), 53, ""),
        ("tiny_float32.tflite", "litert", (4, 4, 4, 2), 124, "softmax"),
    ],
)
def test_files_run_and_say_what_they_are(
    name: str, runtime: str, shape: tuple[int, ...], num_params: int, activation: str
) -> None:
    found = import_model(str(GOLDEN / name), ImportOptions())
    assert (found.runtime, found.num_params, found.last_activation) == (runtime, num_params, activation)
    (outputs,) = found.run((np.random.default_rng(0).normal(size=shape).astype(np.float32),))
    assert outputs.shape == (4, 3) and np.isfinite(outputs).all()


def test_an_int8_file_is_no_source() -> None:
    with pytest.raises(UnsupportedModelError, match="quantised already"):
        import_model(str(GOLDEN / "tiny_int8.tflite"), ImportOptions())
