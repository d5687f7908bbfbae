"""Kinds of files that others made: streams with states, unsigned bytes, shapes that are computed; against LiteRT."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgetool.embed.boards.firmware import missing_packages, run_firmware
from edgetool.embed.bundles.c_bundle import write_bundle
from edgetool.embed.bundles.check_bundle import BundleCheck, check_bundle
from edgetool.embed.compiler.pipeline import lower_file
from edgetool.exporters.tflite.file import pack, unpack
from edgetool.importers.base import ImportOptions
from edgetool.importers.tflite import load_tflite
from edgetool.importers.tflite_sizes import with_fixed_sizes
from edgetool.ir.input_shapes import InputShape
from edgetool.ir.tflite import read_tflite
from edgetool.targets import find_target

pytestmark = pytest.mark.slow

#: A tensor: shape, type, scale and zero point, constant values.
Values = tuple[tuple[int, ...], str, tuple[float, int] | None, Any]


def _tf() -> Any:
    import tensorflow as tf

    return tf


def _constant(*shape: int, seed: int = 0) -> Any:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def check(content: bytes, folder: Path, *operators: str, num_samples: int = 50, io: str = "arena") -> BundleCheck:
    """Hold a bundle to LiteRT's reference kernels; samples are steps of one sequence where the model has states."""
    path = folder / "model.tflite"
    path.write_bytes(content)
    kinds = {op.kind for op in read_tflite(path).ops}
    assert set(operators) <= kinds, kinds
    write_bundle(path, name="net", out=folder / "bundle", target=find_target("host"), overwrite=True, io=io)
    found = check_bundle(path, folder / "bundle", num_samples=num_samples)
    assert found.num_different == 0, found
    return found


def _converted(converter: Any, *shape: int, integers: bool) -> bytes:
    tf = _tf()
    if integers:
        random = np.random.default_rng(0)
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = lambda: (
            [random.normal(size=(1, *shape)).astype(np.float32)] for _ in range(20)
        )
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = converter.inference_output_type = tf.int8
    content = converter.convert()
    assert isinstance(content, bytes)
    return content


def streaming(*, integers: bool) -> bytes:
    """Return a network that keeps the last three rows of its input and a running sum: two states."""
    tf = _tf()

    class Stream(tf.Module):  # type: ignore[misc]  # tensorflow is untyped
        def __init__(self) -> None:
            super().__init__()
            self.rows = tf.Variable(tf.zeros((1, 3, 1, 6)), trainable=False)
            self.total = tf.Variable(tf.fill((1, 4), 0.25), trainable=False)

        @tf.function(input_signature=[tf.TensorSpec((1, 1, 1, 6), tf.float32)])  # type: ignore[untyped-decorator]
        def run(self, x: Any) -> Any:
            rows = tf.concat((self.rows, x), 1)
            self.rows.assign(rows[:, 1:])
            y = tf.nn.relu(tf.nn.conv2d(rows, _constant(4, 1, 6, 4), 1, "VALID"))
            total = 0.5 * self.total + tf.reshape(y, (1, 4))
            self.total.assign(total)
            return tf.sigmoid(tf.matmul(total, _constant(4, 3)))

    stream = Stream()
    converter = tf.lite.TFLiteConverter.from_concrete_functions([stream.run.get_concrete_function()], stream)
    converter._experimental_variable_quantization = integers
    return _converted(converter, 1, 1, 6, integers=integers)


@pytest.mark.parametrize("io", ["arena", "caller"])
@pytest.mark.parametrize("integers", [True, False], ids=["int8", "float32"])
def test_states_live_from_run_to_run(integers: bool, io: str, tmp_path: Path) -> None:
    content = streaming(integers=integers)
    check(content, tmp_path, "VAR_HANDLE", "READ_VARIABLE", "ASSIGN_VARIABLE", "CALL_ONCE", num_samples=20, io=io)
    program = lower_file(tmp_path / "model.tflite")
    assert len(program.states) == 2
    assert "net_reset" in (tmp_path / "bundle" / "main.c").read_text()
    if integers and io == "arena" and not missing_packages(find_target("cortex-m4-qemu")):
        found = run_firmware(tmp_path / "bundle", "net", program, find_target("cortex-m4-qemu"))
        assert found.num_failed == 0 and found.arena_is_whole


def _unsigned(content: bytes, *, weight_zero: int) -> bytes:
    """Return a file of int8 with unsigned bytes throughout, as TensorFlow 1 wrote them; weights get a zero point."""
    from ai_edge_litert import schema_py_generated as schema

    model = unpack(content)
    (graph,) = model.subgraphs
    flipped = set()
    for tensor in graph.tensors:
        if tensor.type != schema.TensorType.INT8:
            continue
        tensor.type = schema.TensorType.UINT8
        data = model.buffers[tensor.buffer].data
        is_constant = data is not None and len(data) > 0
        zeros = np.asarray(tensor.quantization.zeroPoint, np.int64)
        tensor.quantization.zeroPoint = zeros + 128 + (weight_zero if is_constant else 0)
        if is_constant and tensor.buffer not in flipped:
            model.buffers[tensor.buffer].data = np.asarray(data, np.uint8) ^ np.uint8(128)
            flipped.add(tensor.buffer)
    for code in model.operatorCodes:
        code.version = 1
    return pack(model)


@pytest.mark.parametrize("weight_zero", [0, 3, -40])
def test_unsigned_networks_bit_for_bit(weight_zero: int, tmp_path: Path) -> None:
    tf = _tf()

    def network(x: Any) -> Any:
        x = tf.nn.relu6(tf.nn.conv2d(x, _constant(3, 3, 4, 8), 2, "SAME") + _constant(8))
        y = tf.nn.relu(tf.nn.depthwise_conv2d(x, _constant(3, 3, 8, 1), (1, 1, 1, 1), "SAME"))
        x = tf.concat((x + tf.nn.conv2d(y, _constant(1, 1, 8, 8), 1, "SAME"), x), -1)
        x = tf.nn.avg_pool2d(tf.nn.max_pool2d(x, 2, 1, "SAME"), 3, 2, "VALID")
        return tf.nn.softmax(tf.matmul(tf.reshape(x, (1, 64)), _constant(64, 5)))

    concrete = tf.function(network).get_concrete_function(tf.TensorSpec((1, 9, 9, 4), tf.float32))
    converter = tf.lite.TFLiteConverter.from_concrete_functions([concrete])
    converter._experimental_disable_per_channel = True
    content = _converted(converter, 9, 9, 4, integers=True)
    check(_unsigned(content, weight_zero=weight_zero), tmp_path, "AVERAGE_POOL_2D", "SOFTMAX", num_samples=100)
    kernels = {step.kernel for step in lower_file(tmp_path / "model.tflite").steps}
    assert ("conv_offset_s8" in kernels) == (weight_zero != 0), kernels


def test_unsigned_inputs_and_shapes_that_are_computed(tmp_path: Path) -> None:
    """As Keras's Reshape has it in a file of an open batch, and `inference_input_type = tf.uint8`."""
    tf = _tf()

    def network(x: Any) -> Any:
        x = tf.matmul(x, _constant(6, 12))
        return tf.nn.relu(tf.reshape(x, (tf.shape(x)[0], 4, 3)))

    concrete = tf.function(network).get_concrete_function(tf.TensorSpec((None, 6), tf.float32))
    converter = tf.lite.TFLiteConverter.from_concrete_functions([concrete])
    _converted(converter, 6, integers=True)
    converter.inference_input_type = converter.inference_output_type = tf.uint8
    check(converter.convert(), tmp_path, "QUANTIZE", "SHAPE", "STRIDED_SLICE", "PACK")
    kernels = [step.kernel for step in lower_file(tmp_path / "model.tflite").steps]
    assert kernels[0] == kernels[-1] == "flip_sign_u8" and "table_s8" not in kernels, kernels


def one_operator(kind: str, sources: list[Values], result: Values, options: Any = None) -> bytes:
    """Return a file of one operator; a source with values is a constant, one with the word `state` a variable."""
    from ai_edge_litert import schema_py_generated as schema

    model, graph, op, code = schema.ModelT(), schema.SubGraphT(), schema.OperatorT(), schema.OperatorCodeT()
    model.version, model.subgraphs, model.buffers, model.operatorCodes = 3, [graph], [schema.BufferT()], [code]
    graph.tensors, graph.operators = [], [op]
    for number, (shape, dtype, scale, values) in enumerate([*sources, result]):
        tensor = schema.TensorT()
        tensor.name, tensor.shape = f"t{number}".encode(), np.array(shape, np.int32)
        tensor.type = getattr(schema.TensorType, dtype.upper())
        tensor.buffer, tensor.isVariable = 0, isinstance(values, str)
        if scale is not None:
            tensor.quantization = schema.QuantizationParametersT()
            tensor.quantization.scale = np.array(scale[:1], np.float32)
            tensor.quantization.zeroPoint = np.array(scale[1:], np.int64)
        if isinstance(values, np.ndarray):
            buffer = schema.BufferT()
            buffer.data = np.frombuffer(values.astype(dtype).tobytes(), np.uint8)
            tensor.buffer = len(model.buffers)
            model.buffers.append(buffer)
        graph.tensors.append(tensor)
    op.inputs = np.arange(len(sources), dtype=np.int32)
    op.outputs = graph.outputs = np.array([len(sources)], np.int32)
    graph.inputs = np.array([number for number, source in enumerate(sources) if source[3] is None], np.int32)
    code.builtinCode = getattr(schema.BuiltinOperator, kind)
    code.deprecatedBuiltinCode, code.version = min(code.builtinCode, 127), 1
    if options is not None:
        op.builtinOptions = options
        op.builtinOptionsType = getattr(schema.BuiltinOptions, type(options).__name__.removesuffix("T"))
    return pack(model)


def _options(name: str, **fields: Any) -> Any:
    from ai_edge_litert import schema_py_generated as schema

    options = getattr(schema, f"{name}OptionsT")()
    for field, value in fields.items():
        setattr(options, field, value)
    return options


def _svdf(kind: str) -> tuple[str, list[Values], Values, Any]:
    random = np.random.default_rng(1)
    is_float = kind == "float32"
    scales = [None] * 6 if is_float else [(0.05, 3), (0.01, 0), (0.02, 0), (0.0005, 0), (0.01, 0), (0.1, -5)]
    low = -1 if is_float else -127
    features, ages = (random.uniform(low, -low, shape) for shape in ((8, 5), (8, 4)))
    state = "float32" if is_float else "int16"
    bias = random.uniform(low * 10, -low * 10, 4)
    sources: list[Values] = [
        ((1, 5), kind, scales[0], None),
        ((8, 5), kind, scales[1], features),
        ((8, 4), state, scales[2], ages),
        ((4,), "float32" if is_float else "int32", scales[3], bias),
        ((1, 32), state, scales[4], "state"),
    ]
    return "SVDF", sources, ((1, 4), kind, scales[5], None), _options("SVDF", rank=2, fusedActivationFunction=1)


IMAGE = (1, 4, 6, 8)
SCALE = (0.25, 7)


def _unary(kind: str, dtype: str, shape: tuple[int, ...], options: Any = None, *extra: Values) -> Any:
    scale = None if dtype in ("float32", "int32") else (0.25, 0) if dtype == "int16" else SCALE
    return kind, [(IMAGE, dtype, scale, None), *extra], (shape, dtype, scale, None), options


def _axes(*axes: int) -> Values:
    return ((len(axes),), "int32", None, np.array(axes))


#: What stands in the file: operator, sources, result, options.
OPERATORS: dict[str, Callable[[], tuple[str, list[Values], Values, Any]]] = {
    "log softmax": lambda: _unary("LOG_SOFTMAX", "float32", IMAGE, _options("LogSoftmax")),
    "largest float": lambda: _unary("REDUCE_MAX", "float32", (1, 8), _options("Reducer"), _axes(1, 2)),
    "largest int8": lambda: _unary("REDUCE_MAX", "int8", (1, 4, 6), _options("Reducer"), _axes(3)),
    "smallest int16": lambda: _unary("REDUCE_MIN", "int16", (1, 6, 8), _options("Reducer"), _axes(1)),
    "smallest uint8": lambda: _unary("REDUCE_MIN", "uint8", (1, 6, 8), _options("Reducer"), _axes(1)),
    "depth to space": lambda: _unary("DEPTH_TO_SPACE", "int8", (1, 8, 12, 2), _options("DepthToSpace", blockSize=2)),
    "space to depth": lambda: _unary("SPACE_TO_DEPTH", "float32", (1, 2, 3, 32), _options("SpaceToDepth", blockSize=2)),
    "reflected": lambda: _unary(
        "MIRROR_PAD",
        "int8",
        (1, 6, 9, 8),
        _options("MirrorPad", mode=0),
        ((4, 2), "int32", None, np.array([[0, 0], [1, 1], [3, 0], [0, 0]])),
    ),
    "tiles": lambda: _unary("TILE", "int8", (1, 8, 6, 24), _options("Tile"), _axes(1, 2, 1, 3)),
    "floor": lambda: _unary("FLOOR", "float32", IMAGE),
    "round": lambda: _unary("ROUND", "float32", IMAGE),
    "bilinear uint8": lambda: _unary(
        "RESIZE_BILINEAR", "uint8", (1, 13, 9, 8), _options("ResizeBilinear", alignCorners=True), _axes(13, 9)
    ),
    "average of uint8": lambda: _unary("MEAN", "uint8", (1, 8), _options("Reducer"), _axes(1, 2)),
    "wider softmax": lambda: (
        "SOFTMAX",
        [(IMAGE, "int8", (0.1, 3), None)],
        (IMAGE, "int16", (1 / 65536, -32768), None),
        _options("Softmax", beta=1.0),
    ),
    "to 32 bits": lambda: (
        "QUANTIZE",
        [(IMAGE, "int16", (0.001, 0), None)],
        (IMAGE, "int32", (0.00002, 0), None),
        _options("Quantize"),
    ),
    "from uint8 to int8 of another scale": lambda: (
        "QUANTIZE",
        [(IMAGE, "uint8", (0.02, 100), None)],
        (IMAGE, "int8", (0.03, 5), None),
        _options("Quantize"),
    ),
    "from int8 to uint8": lambda: (
        "QUANTIZE",
        [(IMAGE, "int8", (0.02, 100), None)],
        (IMAGE, "uint8", (0.013, 5), None),
        _options("Quantize"),
    ),
    "bytes of several scales": lambda: (
        "CONCATENATION",
        [(IMAGE, "uint8", (0.02, 100), None), (IMAGE, "uint8", (0.013, 5), None), (IMAGE, "uint8", (1e-6, 0), None)],
        ((1, 4, 6, 24), "uint8", (0.02, 128), None),
        _options("Concatenation", axis=3),
    ),
    "memory in int8": lambda: _svdf("int8"),
    "memory in float32": lambda: _svdf("float32"),
}


@pytest.mark.parametrize("case", OPERATORS)
def test_single_operators(case: str, tmp_path: Path) -> None:
    """Those with a memory run 30 steps of one sequence."""
    kind, sources, result, options = OPERATORS[case]()
    check(one_operator(kind, sources, result, options), tmp_path, kind, num_samples=30)


def _chosen(x: Any) -> Any:
    """An IF of both kinds of branch, and a choice element by element."""
    tf = _tf()
    y = tf.where(x > 0.25, x, x * x)
    return tf.cond(tf.reduce_max(y) > 0.95, lambda: tf.nn.relu(tf.matmul(y, _constant(6, 6))), lambda: y)


def test_both_branches_and_choices(tmp_path: Path) -> None:
    tf = _tf()
    concrete = tf.function(_chosen).get_concrete_function(tf.TensorSpec((1, 6), tf.float32))
    content = _converted(tf.lite.TFLiteConverter.from_concrete_functions([concrete]), 6, integers=False)
    check(content, tmp_path, "IF", "GREATER", "REDUCE_MAX")


def test_pixels_become_floats(tmp_path: Path) -> None:
    tf = _tf()

    def network(x: Any) -> Any:
        return tf.matmul(tf.cast(x, tf.float32) / 255.0 - 0.5, _constant(6, 4))

    concrete = tf.function(network).get_concrete_function(tf.TensorSpec((1, 6), tf.uint8))
    content = _converted(tf.lite.TFLiteConverter.from_concrete_functions([concrete]), 6, integers=False)
    check(content, tmp_path, "CAST")


def _sum_of_dead_layers() -> bytes:
    scales = ((0.5, 3), (0.3, 0), (1e-9, 5))
    first, second, result = ((IMAGE, "int8", scale, None) for scale in scales)
    return one_operator("ADD", [first, second], result, _options("Add"))


def _softmax_of_dead_layers() -> bytes:
    source, result = (IMAGE, "int8", (1e-10, 3), None), (IMAGE, "int8", (1 / 256, -128), None)
    return one_operator("SOFTMAX", [source], result, _options("Softmax", beta=1.0))


def _lost_dimension() -> bytes:
    """As TensorFlow 1 wrote it for biases: LiteRT refuses the file, TFLite Micro does not look."""
    random = np.random.default_rng(0)
    sources: list[Values] = [
        (IMAGE, "int8", (0.5, 3), None),
        ((8, 1, 1, 8), "int8", (0.01, 0), random.integers(-127, 128, (8, 1, 1, 8))),
        ((8,), "int32", (0.005, 0), random.integers(-5000, 5000, 8)),
    ]
    options = _options("Conv2D", strideH=1, strideW=1)
    model = unpack(one_operator("CONV_2D", sources, (IMAGE, "int8", (0.5, -20), None), options))
    for number, dimension in ((1, 0), (2, 3)):
        quantization = model.subgraphs[0].tensors[number].quantization
        quantization.scale = np.linspace(0.01, 0.02, 8).astype(np.float32) * (1 if number == 1 else 0.5)
        quantization.zeroPoint, quantization.quantizedDimension = np.zeros(8, np.int64), dimension
    return pack(model)


def _custom(content: bytes, name: str, options: bytes) -> Any:
    """Return the model with its operator as a custom one."""
    from ai_edge_litert import schema_py_generated as schema

    model = unpack(content)
    (code,), (op,) = model.operatorCodes, model.subgraphs[0].operators
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.CUSTOM
    code.customCode, op.customOptions = name.encode(), np.frombuffer(options, np.uint8)
    op.builtinOptions, op.builtinOptionsType = None, 0
    return model


def _enlarging() -> bytes:
    """As MediaPipe's segmentation ends: `padding` 1 is SAME, both strides are 2."""
    sources: list[Values] = [
        (IMAGE, "float32", None, None),
        ((3, 2, 3, 8), "float32", None, _constant(3, 2, 3, 8)),
        ((3,), "float32", None, _constant(3)),
    ]
    content = one_operator("TRANSPOSE_CONV", sources, ((1, 8, 12, 3), "float32", None, None))
    return pack(_custom(content, "Convolution2DTransposeBias", np.array((1, 2, 2), np.int32).tobytes()))


def _detector(dtype: str, boxes: tuple[float, int] | None, scores: tuple[float, int] | None) -> bytes:
    """200 boxes of 6 numbers around anchors that lie close together, with scores of a background and 3 classes."""
    from ai_edge_litert import schema_py_generated as schema
    from flatbuffers import flexbuffers

    anchors = np.random.default_rng(0).uniform(0.2, 0.8, (200, 4))
    stored = anchors if boxes is None else np.round(anchors / 0.004)
    sources: list[Values] = [
        ((1, 200, 6), dtype, boxes, None),
        ((1, 200, 4), dtype, scores, None),
        ((200, 4), dtype, None if boxes is None else (0.004, 0), stored),
    ]
    options = {
        "max_detections": 12,
        "num_classes": 3,
        "max_classes_per_detection": 1,
        "nms_score_threshold": 0.3,
        "nms_iou_threshold": 0.4,
        "y_scale": 10.0,
        "x_scale": 10.0,
        "h_scale": 5.0,
        "w_scale": 5.0,
    }
    content = one_operator("ADD", sources, ((), "float32", None, None))
    model = _custom(content, "TFLite_Detection_PostProcess", bytes(flexbuffers.Dumps(options)))
    graph = model.subgraphs[0]
    for number in range(4, 7):
        tensor = schema.TensorT()
        tensor.name, tensor.type, tensor.buffer = f"t{number}".encode(), schema.TensorType.FLOAT32, 0
        graph.tensors.append(tensor)
    graph.outputs = graph.operators[0].outputs = np.arange(3, 7, dtype=np.int32)
    return pack(model)


@pytest.mark.parametrize(
    ("dtype", "boxes", "scores"),
    [("float32", None, None), ("uint8", (0.1, 120), (1 / 128, 30))],
    ids=["float32", "uint8"],
)
def test_detectors_choose_the_same_boxes(
    dtype: str, boxes: tuple[float, int] | None, scores: tuple[float, int] | None, tmp_path: Path
) -> None:
    check(_detector(dtype, boxes, scores), tmp_path, "CUSTOM:TFLite_Detection_PostProcess")


@pytest.mark.parametrize(
    ("make", "changed"),
    [
        (_sum_of_dead_layers, "the scale of 1 ADD"),
        (_softmax_of_dead_layers, "the scale of 1 SOFTMAX"),
        (_lost_dimension, "the quantised dimension of 1 tensors"),
        (_enlarging, "1 Convolution2DTransposeBias"),
    ],
)
def test_files_that_litert_dies_of_or_refuses(make: Callable[[], bytes], changed: str, tmp_path: Path) -> None:
    """The oracle is LiteRT with the change that the bundle and the check name."""
    found = check(make(), tmp_path)
    assert f"with {changed} changed" in found.reference
    assert changed in (tmp_path / "bundle" / "bundle.toml").read_text()
    assert changed in (tmp_path / "bundle" / "test_vectors.h").read_text()


#: What a model computes of a signal, of rows, or of both, none of which has an axis for samples; and their shapes.
WITHOUT_BATCH: dict[str, tuple[Callable[..., Any], tuple[tuple[int, ...], ...]]] = {
    "signal": (lambda x: _tf().reduce_sum(_tf().matmul(x[None], _constant(16, 4))), ((16,),)),
    "rows": (lambda x: _tf().transpose(_tf().matmul(x, _constant(3, 2))), ((4, 3),)),
    "both": (lambda x, y: (_tf().matmul(x[None], _constant(16, 4)) + y, x), ((16,), (1, 4))),
}


@pytest.mark.parametrize("kind", sorted(WITHOUT_BATCH))
def test_tensors_without_an_axis_for_samples(kind: str, tmp_path: Path) -> None:
    tf = _tf()
    function, shapes = WITHOUT_BATCH[kind]
    signature = [tf.TensorSpec(shape, tf.float32) for shape in shapes]
    concrete = tf.function(function, input_signature=signature).get_concrete_function()
    check(tf.lite.TFLiteConverter.from_concrete_functions([concrete], tf.Module()).convert(), tmp_path)


def test_truth_values_and_infinite_masks(tmp_path: Path) -> None:
    """C has words for neither; where nothing is left of a row, the reference too gives what is no number."""
    tf = _tf()

    def masked(x: Any, mask: Any) -> Any:
        kept = tf.where(mask, x, tf.constant(-np.inf, tf.float32))
        return tf.nn.softmax(kept), tf.logical_not(mask), kept

    signature = [tf.TensorSpec((1, 4), tf.float32), tf.TensorSpec((1, 4), tf.bool)]
    concrete = tf.function(masked, input_signature=signature).get_concrete_function()
    content = tf.lite.TFLiteConverter.from_concrete_functions([concrete], tf.Module()).convert()
    check(content, tmp_path, "LOGICAL_NOT", num_samples=100)
    if not missing_packages(find_target("cortex-m4-qemu")):
        found = run_firmware(
            tmp_path / "bundle", "net", lower_file(tmp_path / "model.tflite"), find_target("cortex-m4-qemu")
        )
        assert found.num_failed == 0


def test_sizes_that_follow_from_those_of_inputs(tmp_path: Path) -> None:
    """A signal of any length becomes an image that is made twice as large, whatever its size: both become numbers."""
    tf = _tf()

    def doubled(x: Any) -> Any:
        image = tf.reshape(x, (1, -1, 4, 2))
        size = tf.shape(image)[1:3]
        return tf.nn.conv2d(tf.image.resize(image, 2 * size, "nearest"), _constant(3, 3, 2, 3), 1, "SAME")

    concrete = tf.function(doubled, input_signature=[tf.TensorSpec((1, None), tf.float32)]).get_concrete_function()
    path, fixed = tmp_path / "open.tflite", tmp_path / "fixed.tflite"
    path.write_bytes(tf.lite.TFLiteConverter.from_concrete_functions([concrete], tf.Module()).convert())
    graph = read_tflite(path)
    fixed.write_bytes(with_fixed_sizes(path, graph, {graph.inputs[0]: (1, 40)}))
    check(fixed.read_bytes(), tmp_path, "CONV_2D", num_samples=10)
    assert lower_file(fixed).tensors[graph.outputs[0]].shape == (1, 10, 8, 3)
    imported = load_tflite(path, ImportOptions(False, (InputShape((1, 40)),)))
    assert imported.inputs[0].shape == (1, 40)
    assert imported.run((np.ones((2, 40), np.float32),))[0].shape == (2, 10, 8, 3)
