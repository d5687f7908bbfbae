"""Float files of any origin, quantised by litert-quantizer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgetool.data.dataset import Split
from edgetool.errors import ExportError
from edgetool.exporters.tflite.file import pack, unpack
from edgetool.exporters.tflite.quantize.quantizer import quantize_file
from edgetool.passes.base import QuantizationScheme

TINY = Path(__file__).parents[4] / "golden" / "models" / "tiny_float32.tflite"
SAMPLES = np.random.default_rng(7).uniform(-1, 1, (64, 4, 4, 2)).astype(np.float32)
FLOAT32, FLOAT16, INT16, INT8 = 0, 1, 7, 9


def run(content: bytes, samples: np.ndarray) -> np.ndarray:
    from edgetool.runners.agent import LiteRTModel, _dequantize, _quantize

    path = Path(run.folder) / "m.tflite"  # type: ignore[attr-defined]
    path.write_bytes(content)
    model = LiteRTModel(str(path), num_threads=1, kernels="default")
    rows = [model.run([_quantize(x[None], model.inputs[0])])[0] for x in samples]
    return np.asarray(_dequantize(np.concatenate(rows), model.outputs[0]))


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path) -> None:
    run.folder = tmp_path  # type: ignore[attr-defined]


def quantized(mode: Any, activations: Any = "float32", content: bytes | None = None) -> Any:
    split = Split("train", (SAMPLES,)) if mode == "static" else None
    return quantize_file(content or TINY.read_bytes(), QuantizationScheme.of(mode, activations), split, "tiny")


def kernel_types(model: Any) -> set[int]:
    constants = [t for t in model.subgraphs[0].tensors if model.buffers[t.buffer].data is not None]
    return {tensor.type for tensor in constants if len(tensor.shape) > 1}


@pytest.mark.parametrize(
    ("mode", "activations", "kernel", "outside", "tolerance"),
    [
        ("none", "float32", FLOAT32, FLOAT32, 0.0),
        ("float16", "float32", FLOAT16, FLOAT32, 2e-3),
        ("dynamic", "float32", INT8, FLOAT32, 3e-2),
        ("static", "int8", INT8, INT8, 5e-2),
        ("static", "int16", INT8, INT16, 3e-2),
    ],
)
def test_every_mode_stores_and_computes_as_it_says(
    mode: str, activations: str, kernel: int, outside: int, tolerance: float
) -> None:
    model = quantized(mode, activations)
    assert kernel_types(model) == {kernel}
    graph = model.subgraphs[0]
    assert {graph.tensors[int(i)].type for i in (*graph.inputs, *graph.outputs)} == {outside}
    difference = np.abs(run(pack(model), SAMPLES) - run(TINY.read_bytes(), SAMPLES))
    assert difference.max() <= tolerance


def test_the_same_file_and_samples_give_the_same_bytes() -> None:
    assert pack(quantized("static", "int8")) == pack(quantized("static", "int8"))


def test_tensors_without_names_of_their_own_are_told_apart() -> None:
    model = unpack(TINY.read_bytes())
    for tensor in model.subgraphs[0].tensors:
        tensor.name = b"t"
    model.subgraphs[0].tensors[0].name = None
    named = quantized("static", "int8", pack(model))
    difference = np.abs(run(pack(named), SAMPLES) - run(TINY.read_bytes(), SAMPLES))
    assert difference.max() <= 5e-2


def test_what_the_quantiser_refuses_is_an_error_with_another_recipe(monkeypatch: pytest.MonkeyPatch) -> None:
    import litert_quantizer.quantizer as library

    def refuse(*arguments: object, **options: object) -> None:
        raise ValueError("no such operator")

    monkeypatch.setattr(library.Quantizer, "quantize", refuse)
    with pytest.raises(ExportError, match="no such operator") as caught:
        quantized("dynamic")
    assert "float16" in caught.value.next_step
