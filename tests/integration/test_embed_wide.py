"""16-bit operators of one value as C: all 65,536 values at several scales, bit for bit LiteRT's reference kernels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgetool.embed.bundles.c_bundle import write_bundle
from edgetool.embed.bundles.check_bundle import run_bundle
from edgetool.embed.compiler.pipeline import lower_file
from edgetool.embed.oracle.vectors import reference_vectors
from edgetool.targets import find_target

pytestmark = pytest.mark.slow

#: The same as in bundles, and what sanitizers find.
FLAGS = (
    "-std=c99",
    "-O1",
    "-Wall",
    "-Wextra",
    "-Wconversion",
    "-Werror",
    "-fsanitize=address,undefined",
    "-fno-sanitize-recover=all",
)

#: Operator -> scales of its input and output; RSQRT, which LiteRT refuses half of all values for, is a layer norm's in
#: test_embed_operators.py. 2^-12 and, of TANH, 2^-11 are kernels of their own in LiteRT.
SIGMOIDS = (1e-6, 2.0**-13, 2.0**-12, 1.7e-4, 2.0**-11, 3.3e-4, 0.01, 0.2441, 3.0)
SCALES: dict[str, list[tuple[float, float]]] = {
    "LOGISTIC": [(scale, 1 / 32768) for scale in SIGMOIDS],
    "TANH": [(scale, 1 / 32768) for scale in SIGMOIDS],
    "EXP": [(1e-4, 1e-3), (3e-4, 0.5)],
    "GELU": [(1e-4, 1e-4), (3e-4, 2e-4)],
    "LOG": [(1e-4, 1e-4), (1e-3, 4e-3)],
    "ABS": [(1e-3, 1e-3), (1e-3, 3.3e-3)],
    "RELU": [(1e-3, 1e-3), (1e-3, 0.7e-3)],
    "RELU6": [(1e-3, 1e-3), (3e-4, 2e-4)],
    "LEAKY_RELU": [(1e-3, 1e-3), (1e-3, 2.2e-3)],
}

#: Types in front of QUANTIZE and behind it, and their scales.
QUANTIZE = [("int16", "int16", 1e-3, 0.4e-3), ("int16", "int8", 1e-3, 0.27), ("int8", "int16", 0.3, 1.3e-3)]


def _tensor(name: str, dtype: str, scale: float, zero: int, num_values: int) -> Any:
    from ai_edge_litert import schema_py_generated as schema

    tensor, quantization = schema.TensorT(), schema.QuantizationParametersT()
    tensor.name, tensor.shape, tensor.buffer = name.encode(), [1, num_values], 0
    tensor.type = getattr(schema.TensorType, dtype.upper())
    quantization.scale, quantization.zeroPoint = [scale], [zero]
    tensor.quantization = quantization
    return tensor


def single_operator(kind: str, source: Any, result: Any) -> bytes:
    """Return a file of one operator, whose kernels all have versions from 1 to 4."""
    from ai_edge_litert import schema_py_generated as schema

    from edgetool.exporters.tflite.file import pack

    code, operator, graph, model = schema.OperatorCodeT(), schema.OperatorT(), schema.SubGraphT(), schema.ModelT()
    code.builtinCode = getattr(schema.BuiltinOperator, kind)
    code.deprecatedBuiltinCode, code.version = min(code.builtinCode, 127), 2
    operator.opcodeIndex, operator.inputs, operator.outputs = 0, [0], [1]
    if kind == "LEAKY_RELU":
        operator.builtinOptions, operator.builtinOptionsType = schema.LeakyReluOptionsT(), 75
        assert schema.BuiltinOptions.LeakyReluOptions == 75
        operator.builtinOptions.alpha = 0.3
    if kind == "GELU":
        operator.builtinOptions = schema.GeluOptionsT()
        operator.builtinOptionsType = schema.BuiltinOptions.GeluOptions
    graph.name, graph.tensors, graph.operators = b"main", [source, result], [operator]
    graph.inputs, graph.outputs = [0], [1]
    model.version, model.operatorCodes, model.subgraphs, model.buffers = 3, [code], [graph], [schema.BufferT()]
    return pack(model)


def check(kind: str, source: Any, result: Any, values: np.ndarray, folder: Path) -> None:
    model = folder / "model.tflite"
    model.write_bytes(single_operator(kind, source, result))
    program = lower_file(model)
    bundle = write_bundle(model, name="net", out=folder / "b", target=find_target("host"), overwrite=False).out
    found = run_bundle(bundle, "net", program, (values,), compiler="gcc", flags=FLAGS)
    (expected,) = reference_vectors(model, program, (values,)).outputs
    np.testing.assert_array_equal(found[0], expected)


@pytest.mark.parametrize(("kind", "scales"), [(kind, scales) for kind, found in SCALES.items() for scales in found])
def test_every_value(kind: str, scales: tuple[float, float], tmp_path: Path) -> None:
    every = np.arange(-32768, 32768, dtype=np.int16).reshape(1, -1)
    source, result = (_tensor(name, "int16", scale, 0, every.size) for name, scale in zip("xy", scales, strict=True))
    check(kind, source, result, every, tmp_path)


@pytest.mark.parametrize(("given", "made", "scale", "other"), QUANTIZE)
def test_every_value_of_another_type_or_scale(
    given: str, made: str, scale: float, other: float, tmp_path: Path
) -> None:
    limits = np.iinfo(given)
    every = np.arange(limits.min, limits.max + 1).astype(given).reshape(1, -1)
    zeros = [7 if dtype == "int8" else 0 for dtype in (given, made)]
    source = _tensor("x", given, scale, zeros[0], every.size)
    check("QUANTIZE", source, _tensor("y", made, other, zeros[1], every.size), every, tmp_path)
