"""Files of before TensorFlow 2.4, and files with float16 weights, are quantised as any float32 file is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgetool.data.dataset import Array, Split
from edgetool.exporters.tflite.file import constant, pack, unpack
from edgetool.exporters.tflite.kernels import operator_name
from edgetool.exporters.tflite.quantize.quantizer import quantize_file
from edgetool.exporters.tflite.rewrite.widen import renew_codes, widen_halves
from edgetool.importers.base import ImportOptions
from edgetool.importers.tflite import load_tflite
from edgetool.passes.base import QuantizationScheme

TINY = (Path(__file__).parents[4] / "golden" / "models" / "tiny_float32.tflite").read_bytes()
SAMPLES = np.random.default_rng(7).uniform(-1, 1, (32, 4, 4, 2)).astype(np.float32)


def old() -> bytes:
    """Write the model as converters of 2019 did: the operator in one byte, no signature, no open batch."""
    model = unpack(TINY)
    for code in model.operatorCodes:
        code.deprecatedBuiltinCode, code.builtinCode = code.builtinCode, 0
    model.signatureDefs = None
    for tensor in model.subgraphs[0].tensors:
        tensor.shapeSignature = None
    return pack(model)


def half() -> bytes:
    return pack(quantize_file(TINY, QuantizationScheme.of("float16"), None, "tiny"))


def run(content: bytes) -> Array:
    from ai_edge_litert.interpreter import Interpreter

    interpreter: Any = Interpreter(model_content=content)
    interpreter.allocate_tensors()
    rows = []
    for sample in SAMPLES:
        (given,), (made,) = interpreter.get_input_details(), interpreter.get_output_details()
        scale, zero = given["quantization"]
        values = sample[None] if scale == 0.0 else np.clip(np.rint(sample[None] / scale) + zero, -128, 127)
        interpreter.set_tensor(given["index"], values.astype(given["dtype"]))
        interpreter.invoke()
        found = interpreter.get_tensor(made["index"]).astype(np.float32)
        scale, zero = made["quantization"]
        rows.append(found if scale == 0.0 else (found - zero) * scale)
    return np.concatenate(rows)


@pytest.mark.parametrize("make", [old, half])
@pytest.mark.parametrize(
    ("mode", "stored", "tolerance"),
    [("none", np.float32, 0.0), ("float16", np.float16, 2e-3), ("dynamic", np.int8, 3e-2), ("static", np.int8, 5e-2)],
)
def test_every_mode_changes_the_weights_and_keeps_the_answers(
    make: Any, mode: Any, stored: Any, tolerance: float
) -> None:
    content = make()
    samples = Split("train", (SAMPLES,)) if mode == "static" else None
    scheme = QuantizationScheme.of(mode, "int8" if mode == "static" else "float32")
    model = quantize_file(content, scheme, samples, "tiny")
    kernels = [constant(model, tensor) for tensor in model.subgraphs[0].tensors]
    assert stored in {kernel.dtype.type for kernel in kernels if kernel is not None and kernel.ndim > 1}
    np.testing.assert_allclose(run(pack(model)), run(content), atol=tolerance)


def test_operators_are_in_the_new_field() -> None:
    model = unpack(old())
    names = [operator_name(model, operator) for operator in model.subgraphs[0].operators]
    assert renew_codes(model) > 0
    assert [operator_name(model, operator) for operator in model.subgraphs[0].operators] == names
    assert all(code.builtinCode == code.deprecatedBuiltinCode for code in model.operatorCodes)
    assert renew_codes(model) == 0


def test_halves_become_the_same_numbers_in_float32() -> None:
    model = unpack(half())
    assert "DEQUANTIZE" in {operator_name(model, operator) for operator in model.subgraphs[0].operators}
    assert widen_halves(model) > 0
    assert "DEQUANTIZE" not in {operator_name(model, operator) for operator in model.subgraphs[0].operators}
    np.testing.assert_array_equal(run(pack(model)), run(half()))
    assert widen_halves(model) == 0


@pytest.mark.parametrize("make", [old, half])
def test_such_files_come_in_with_all_their_parameters(make: Any, tmp_path: Path) -> None:
    (tmp_path / "tiny.tflite").write_bytes(TINY)
    (tmp_path / "other.tflite").write_bytes(make())
    expected = load_tflite(tmp_path / "tiny.tflite", ImportOptions())
    assert load_tflite(tmp_path / "other.tflite", ImportOptions()).num_params == expected.num_params > 0
