from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx.reference import ReferenceEvaluator

from edgetool.data.dataset import Split
from edgetool.exporters.onnx.graph import constant, set_constant
from edgetool.exporters.onnx.quantize import static as onnx_quantize
from edgetool.exporters.onnx.quantize.calibrate import measure_ranges
from edgetool.exporters.onnx.quantize.static import kernel_scales, quantizable_nodes, quantize

TEXT = """
<ir_version: 8, opset_import: ["" : 18]>
g (float[N, 8, 8, 3] x) => (float[N, 5] y) {
  x_t = Transpose <perm = [0, 3, 1, 2]> (x)
  first = Conv <pads = [1, 1, 1, 1]> (x_t, first_kernel, first_bias)
  relu = Relu (first)
  second = Conv <pads = [1, 1, 1, 1]> (relu, second_kernel, second_bias)
  sum = Add (relu, second)
  pool = GlobalAveragePool (sum)
  flat = Flatten (pool)
  logits = Gemm (flat, dense_kernel, dense_bias)
  y = Softmax (logits)
}
"""


def _model(flatten: str = "Flatten (pool)") -> Any:
    model = onnx.parser.parse_model(TEXT.replace("Flatten (pool)", flatten))
    set_constant(model.graph, "row", np.array([-1, 8], np.int64))
    set_constant(model.graph, "copied", np.array([-1, 0], np.int64))
    random = np.random.default_rng(0)
    shapes = {"first": (8, 3, 3, 3), "second": (8, 8, 3, 3), "dense": (8, 5)}
    for layer, shape in shapes.items():
        size = shape[0] if len(shape) == 4 else shape[1]
        set_constant(model.graph, f"{layer}_kernel", random.normal(0, 0.2, shape).astype(np.float32))
        set_constant(model.graph, f"{layer}_bias", random.normal(0, 0.1, size).astype(np.float32))
    for node in model.graph.node:
        node.name = node.output[0]
    return model


def _quantize(model: Any, ranges: Any, bits: int = 8, per_channel: bool = True, one_scale: Any = frozenset()) -> Any:
    nodes = quantizable_nodes(model.graph, ranges)
    scales = kernel_scales(model.graph, nodes, bits=bits, per_channel=per_channel, one_scale=one_scale)
    return quantize(model, ranges, scales, bits=bits, per_channel=per_channel)


@pytest.fixture
def samples() -> Split:
    return Split("train", (np.random.default_rng(1).uniform(0, 1, (64, 8, 8, 3)).astype(np.float32),))


def _run(model: Any, x: Any, optimized: str | None = None) -> Any:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    if optimized:
        options.optimized_model_filepath = optimized
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return session.run(None, {"x": x})[0]


@pytest.mark.parametrize(("bits", "per_channel"), [(8, True), (8, False), (16, True)])
def test_quantised_outputs_are_close(samples: Split, bits: int, per_channel: bool) -> None:
    model = _model()
    result = _quantize(model, measure_ranges(model, samples, ["x"])[0], bits=bits, per_channel=per_channel)
    onnx.checker.check_model(result, full_check=True)
    x = samples.inputs[0]
    assert np.abs(_run(result, x) - _run(model, x)).max() < 0.02
    kernel = constant(result.graph, "second_kernel")
    scale = constant(result.graph, "second_kernel/scale")
    assert kernel is not None and kernel.dtype == np.int8
    assert scale is not None and scale.shape == ((8,) if per_channel else ())


def test_every_layer_runs_in_integer_kernels(samples: Split, tmp_path: Any) -> None:
    model = _model()
    result = _quantize(model, measure_ranges(model, samples, ["x"])[0])
    path = tmp_path / "optimized.onnx"
    _run(result, samples.inputs[0], str(path))
    kinds = [node.op_type for node in onnx.load(path).graph.node]
    assert {"QLinearConv", "QLinearAdd", "QLinearGlobalAveragePool", "QGemm"} <= set(kinds)
    assert not {"Conv", "Relu", "Add", "Gemm", "DequantizeLinear"} & set(kinds)


@pytest.mark.parametrize(
    ("flatten", "transposes"),
    [("Flatten (pool)", 2), ("Reshape (pool, row)", 2), ("Reshape (pool, copied)", 1)],
)
def test_a_pooled_image_is_flattened_as_it_lies_in_memory(
    samples: Split, tmp_path: Any, monkeypatch: Any, flatten: str, transposes: int
) -> None:
    model = _model(flatten)
    ranges = measure_ranges(model, samples, ["x"])[0]
    result = _quantize(model, ranges)
    onnx.checker.check_model(result, full_check=True)
    assert [node.op_type for node in result.graph.node].count("Transpose") == transposes
    path = tmp_path / "optimized.onnx"
    outputs = _run(result, samples.inputs[0], str(path))
    kinds = [node.op_type for node in onnx.load(path).graph.node]
    assert ("Transpose" in kinds[kinds.index("QLinearGlobalAveragePool") :]) == (transposes == 1)
    monkeypatch.setattr(onnx_quantize, "_flatten_channels_last", lambda model: None)
    assert np.array_equal(_run(_quantize(model, ranges), samples.inputs[0]), outputs)


def test_a_tensor_without_a_range_keeps_its_operator_in_float(samples: Split) -> None:
    model = _model()
    ranges = measure_ranges(model, samples, ["x"])[0]
    del ranges["pool"]
    result = _quantize(model, ranges)
    readers = {name: node for node in result.graph.node for name in node.input}
    assert "pool/q" not in readers
    assert np.abs(_run(result, samples.inputs[0]) - _run(model, samples.inputs[0])).max() < 0.02


def test_one_scale_kernels_keep_their_number_of_values(samples: Split) -> None:
    model = _model()
    book = np.linspace(-0.5, 0.5, 8, dtype=np.float32)
    clustered = book[np.random.default_rng(2).integers(0, 8, (8, 8, 3, 3))]
    set_constant(model.graph, "second_kernel", clustered)
    ranges = measure_ranges(model, samples, ["x"])[0]
    result = _quantize(model, ranges, one_scale=frozenset({"second_kernel"}))
    kernel = constant(result.graph, "second_kernel")
    assert kernel is not None and np.unique(kernel).size <= 8


def test_zeros_stay_zeros_and_bytes_repeat(samples: Split) -> None:
    model = _model()
    kernel = constant(model.graph, "second_kernel")
    assert kernel is not None
    pruned = np.where(np.abs(kernel) < 0.2, 0, kernel)
    set_constant(model.graph, "second_kernel", pruned)
    ranges = measure_ranges(model, samples, ["x"])[0]
    result, again = (_quantize(model, ranges) for _ in range(2))
    stored = constant(result.graph, "second_kernel")
    assert stored is not None and np.all(stored[pruned == 0] == 0)
    assert result.SerializeToString(deterministic=True) == again.SerializeToString(deterministic=True)


TRANSPOSED = """
<ir_version: 8, opset_import: ["" : 18]>
g (float[N, 4, 4, 4] x) => (float[N, 2, 8, 8] y) {
  y = ConvTranspose <strides = [2, 2], pads = [1, 1, 1, 1]> (x, up_kernel, up_bias)
}
"""


def test_transposed_convolutions_store_int8_and_compute_in_float(tmp_path: Any) -> None:
    model = onnx.parser.parse_model(TRANSPOSED)
    random = np.random.default_rng(0)
    kernel = random.normal(0, 0.2, (4, 2, 4, 4)).astype(np.float32)
    kernel[:, 1] *= 10.0  # output channels lie on the second axis, and want scales of their own
    kernel[0, 0] = 0.0
    set_constant(model.graph, "up_kernel", kernel)
    set_constant(model.graph, "up_bias", np.array([0.5, -0.5], np.float32))
    model.graph.node[0].name = "up"
    x = random.uniform(0, 1, (8, 4, 4, 4)).astype(np.float32)
    expected = _run(model, x)
    ranges = {"x": (0.0, 1.0), "y": (float(expected.min()), float(expected.max()))}
    quantized = _quantize(model, ranges)
    onnx.checker.check_model(quantized, full_check=True)
    stored = constant(quantized.graph, "up_kernel")
    assert stored is not None and stored.dtype == np.int8 and not stored[0, 0].any()
    optimized = str(tmp_path / "optimized.onnx")
    found = _run(quantized, x, optimized)
    errors = np.abs(found - expected).max(axis=(0, 2, 3))
    assert errors[0] < 0.02 and errors[1] < 0.2
    assert "Cast" not in [node.op_type for node in onnx.load(optimized).graph.node]  # widened once, while loading
    scales = kernel_scales(model.graph, quantizable_nodes(model.graph, ranges), bits=8, per_channel=True)
    one = quantize(model, ranges, scales, bits=8, per_channel=True, one_scale=frozenset({"up_kernel"}))
    scale = constant(one.graph, "up_kernel/scale")
    assert scale is not None and scale.size == 1


OUTPUTS_TEXT = """
<ir_version: 8, opset_import: ["" : 21]>
g (float[N, 3, 8, 8] x) => (float[N, 4, 8, 8] a, float[N, 4, 8, 8] b, float[N, 2] c, float[N, 2] d) {
  a = Conv <pads = [1, 1, 1, 1]> (x, kernel)
  b = Relu (a)
  pool = GlobalAveragePool (b)
  flat = Flatten (pool)
  c = Gemm (flat, dense, bias)
  d = Sigmoid (c)
}
"""


def test_outputs_that_are_read_inside_keep_their_range() -> None:
    model = onnx.parser.parse_model(OUTPUTS_TEXT)
    random = np.random.default_rng(0)
    for name, shape in {"kernel": (4, 3, 3, 3), "dense": (4, 2), "bias": (2,)}.items():
        set_constant(model.graph, name, random.normal(size=shape).astype(np.float32))
    for node in model.graph.node:
        node.name = node.output[0]
    x = random.normal(size=(64, 3, 8, 8)).astype(np.float32)
    expected = ReferenceEvaluator(model).run(None, {"x": x})
    result = _quantize(model, measure_ranges(model, Split("train", (x,)), ["x"])[0])
    onnx.checker.check_model(result, full_check=True)
    assert [value.name for value in result.graph.output] == ["a", "b", "c", "d"]
    session = onnxruntime.InferenceSession(result.SerializeToString(), providers=["CPUExecutionProvider"])
    for reference, found, specified in zip(
        expected, session.run(None, {"x": x}), ReferenceEvaluator(result).run(None, {"x": x}), strict=True
    ):
        assert ((reference - found) ** 2).mean() < 1e-3 * (reference**2).mean()
        assert np.abs(found - specified).max() < 1e-4 * np.abs(reference).max()


def test_a_stack_of_matrices_has_one_scale_and_runs() -> None:
    model = onnx.parser.parse_model(
        '<ir_version: 8, opset_import: ["" : 21]> g (float[N, 4, 6, 8] x) => (float[N, 4, 6, 5] y)'
        " { y = MatMul (x, kernel) }"
    )
    random = np.random.default_rng(0)
    set_constant(model.graph, "kernel", np.abs(random.normal(size=(4, 8, 5))).astype(np.float32) + 0.5)
    model.graph.node[0].name = "y"
    x = random.normal(size=(16, 4, 6, 8)).astype(np.float32)
    result = _quantize(model, measure_ranges(model, Split("train", (x,)), ["x"])[0])
    scale = constant(result.graph, "kernel/scale")
    assert scale is not None and scale.shape == ()
    specified = ReferenceEvaluator(result).run(None, {"x": x})[0]
    assert np.abs(_run(result, x) - specified).max() < 1e-4 * np.abs(specified).max()


def test_layers_that_share_a_bias_meet_no_tensor_of_that_name() -> None:
    text = """
<ir_version: 8, opset_import: ["" : 21]>
g (float[N, 3, 4, 4] x) => (float[N, 3, 4, 4] y) {
  c1 = Conv (x, k1, c)
  c2 = Conv (c1, k2, c)
  n = Neg (c2)
  y = Conv (n, k1, c)
}
"""
    model = onnx.parser.parse_model(text)
    random = np.random.default_rng(0)
    for name, shape in {"k1": (3, 3, 1, 1), "k2": (3, 3, 1, 1), "c": (3,)}.items():
        set_constant(model.graph, name, random.normal(size=shape).astype(np.float32))
    for node in model.graph.node:
        node.name = node.output[0]
    x = random.normal(size=(32, 3, 4, 4)).astype(np.float32)
    result = _quantize(model, measure_ranges(model, Split("train", (x,)), ["x"])[0])
    onnx.checker.check_model(result, full_check=True)
    expected = _run(model, x)
    assert ((_run(result, x) - expected) ** 2).mean() < 1e-2 * (expected**2).mean()


def test_an_output_that_is_an_input_stays_one() -> None:
    model = onnx.parser.parse_model(
        '<ir_version: 8, opset_import: ["" : 21]> g (float[N, 8] x) => (float[N, 8] x, float[N, 5] y)'
        " { y = MatMul (x, kernel) }"
    )
    random = np.random.default_rng(0)
    set_constant(model.graph, "kernel", random.normal(size=(8, 5)).astype(np.float32))
    model.graph.node[0].name = "y"
    x = random.normal(size=(16, 8)).astype(np.float32)
    result = _quantize(model, {"x": (-4.0, 4.0), "y": (-9.0, 9.0)})
    onnx.checker.check_model(result, full_check=True)
    assert [value.name for value in result.graph.output] == ["x", "y"]
    assert np.array_equal(_run(result, x), x)


def test_a_product_with_a_vector_stays_in_float() -> None:
    model = onnx.parser.parse_model(
        '<ir_version: 8, opset_import: ["" : 21]> g (float[N, 8] x) => (float[N] y) { y = MatMul (x, kernel) }'
    )
    set_constant(model.graph, "kernel", np.ones(8, np.float32))
    model.graph.node[0].name = "y"
    result = _quantize(model, {"x": (-4.0, 4.0), "y": (-9.0, 9.0)})
    assert [node.op_type for node in result.graph.node] == ["MatMul"]
