"""Fixtures that every kind of test shares."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import numpy as np
import pytest

#: A machine that is busy fails no property: nothing here is about time.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")


#: Files that take minutes, the longest first: begun last, one of them would keep one processor busy alone.
LONGEST = (
    "test_zoo.py",
    "test_backends.py",
    "test_readme.py",
    "test_compress.py",
    "test_embed_c.py",
    "test_firmware.py",
    "test_embed_packed.py",
    "test_train.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take longest."""
    order = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: order.get(item.path.name, len(LONGEST)))


def _require_backend(name: str) -> None:
    """Skip, or fail under `EDGETOOL_REQUIRE_BACKENDS`, where a backend of Keras 3 is not installed."""
    if importlib.util.find_spec(name) is not None:
        return
    reason = f"{name} is not installed: pip install -e '.[{name}]'"
    if os.environ.get("EDGETOOL_REQUIRE_BACKENDS"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def require_backend() -> Callable[[str], None]:
    """Skip, or fail, where the backend of that name is not installed."""
    return _require_backend


@pytest.fixture(scope="session", params=["tensorflow", "jax", "torch"])
def backend(request: pytest.FixtureRequest) -> str:
    """Each backend of Keras 3 that is installed."""
    _require_backend(request.param)
    return str(request.param)


def _shared_folder(variable: str) -> Path:
    value = os.environ.get(variable)
    if value and Path(value).is_dir():
        return Path(value)
    reason = f"{variable} is not set to a folder: this test needs files that are not part of the repository"
    if os.environ.get("EDGETOOL_REQUIRE_SHARED"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data sets that `EDGETOOL_DATA` names."""
    return _shared_folder("EDGETOOL_DATA")


@pytest.fixture(scope="session")
def shared_models() -> Path:
    """The folder of MLPerf Tiny models that `EDGETOOL_MODELS` names."""
    return _shared_folder("EDGETOOL_MODELS")


def _to_int8(converter: Any, shape: tuple[int, ...], path: Path, num_samples: int = 20) -> Path:
    import tensorflow as tf

    samples = np.random.default_rng(0).normal(size=(num_samples, 1, *shape)).astype(np.float32)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([sample] for sample in samples)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.int8
    path.write_bytes(converter.convert())
    return path


@pytest.fixture(scope="session")
def to_int8() -> Callable[..., Path]:
    """Write what a `TFLiteConverter` was made of in int8, calibrated on random samples of `shape` (without batch)."""
    return _to_int8


@pytest.fixture(autouse=True)
def _no_width(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget the terminal's width: tests of narrow tables set their own."""
    monkeypatch.delenv("COLUMNS", raising=False)


class Int8Network:
    """A chain of int8 layers with chosen weights, biases and scales, as a `.tflite` file; values are from 0 to 6."""

    SCALE, ZERO = 6 / 255, -128

    def __init__(self, *shape: int) -> None:
        from ai_edge_litert import schema_py_generated as schema

        self._schema: Any = schema
        self._graph = schema.SubGraphT(tensors=[], operators=[])
        self._model = schema.ModelT(version=3, buffers=[schema.BufferT()], operatorCodes=[], subgraphs=[self._graph])
        self.last = self._first = self._tensor((1, *shape), self.SCALE, self.ZERO)

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the last tensor."""
        return tuple(int(size) for size in self._graph.tensors[self.last].shape)

    @property
    def one_step(self) -> float:
        """The scale of weights with which one step of a sum is one of the output."""
        return float(self.SCALE / self._graph.tensors[self.last].quantization.scale[0])

    def _tensor(self, shape: tuple[int, ...], scale: Any, zero: int = 0, values: Any = None, dimension: int = 0) -> int:
        kind = self._schema.TensorType
        scales = np.atleast_1d(np.asarray(scale, np.float32))
        quantization = self._schema.QuantizationParametersT(
            scale=scales, zeroPoint=np.full(len(scales), zero, np.int64), quantizedDimension=dimension
        )
        buffer = 0
        if values is not None:
            buffer = len(self._model.buffers)
            content = np.frombuffer(np.ascontiguousarray(values).tobytes(), np.uint8)
            self._model.buffers.append(self._schema.BufferT(data=content))
        is_wide = values is not None and values.dtype == np.int32
        self._graph.tensors.append(
            self._schema.TensorT(
                shape=np.array(shape, np.int32),
                type=kind.INT32 if is_wide else kind.INT8,
                buffer=buffer,
                name=f"t{len(self._graph.tensors)}",
                quantization=quantization,
            )
        )
        return len(self._graph.tensors) - 1

    def _operator(self, name: str, inputs: list[int], output: int, version: int, options: Any = None) -> int:
        builtin = getattr(self._schema.BuiltinOperator, name)
        self._model.operatorCodes.append(
            self._schema.OperatorCodeT(builtinCode=builtin, deprecatedBuiltinCode=builtin, version=version)
        )
        operator = self._schema.OperatorT(
            opcodeIndex=len(self._model.operatorCodes) - 1,
            inputs=np.array(inputs, np.int32),
            outputs=np.array([output], np.int32),
        )
        if options is not None:
            operator.builtinOptions = options
            operator.builtinOptionsType = getattr(self._schema.BuiltinOptions, type(options).__name__[:-1])
        self._graph.operators.append(operator)
        self.last = output
        return output

    def _layer(self, name: str, weights: Any, biases: Any, scales: Any, shape: tuple[int, ...], options: Any) -> int:
        dimension = 3 if name == "DEPTHWISE_CONV_2D" else 0
        given = self._graph.tensors[self.last].quantization.scale[0]
        inputs = [self.last, self._tensor(weights.shape, scales, 0, weights.astype(np.int8), dimension)]
        inputs.append(self._tensor(biases.shape, np.asarray(scales) * given, 0, biases.astype(np.int32)))
        output = self._tensor(shape, self.SCALE, self.ZERO)
        return self._operator(name, inputs, output, 4 if name == "FULLY_CONNECTED" else 3, options)

    def conv(
        self, weights: Any, biases: Any, scales: Any, *, stride: int = 1, dilation: int = 1, same: bool = True
    ) -> int:
        """Add a convolution of weights `[out, h, w, in]`, or a depthwise one of weights `[1, h, w, channels]`."""
        _, height, width, channels = self.shape
        is_depthwise = len(biases) != weights.shape[0]
        name, size = ("DEPTHWISE_CONV_2D", weights.shape[3]) if is_depthwise else ("CONV_2D", weights.shape[0])
        kind = self._schema.DepthwiseConv2DOptionsT if is_depthwise else self._schema.Conv2DOptionsT
        options = kind(
            padding=0 if same else 1,
            strideH=stride,
            strideW=stride,
            fusedActivationFunction=0,
            dilationHFactor=dilation,
            dilationWFactor=dilation,
        )
        if is_depthwise:
            options.depthMultiplier = size // channels
        extents = [0 if same else (extent - 1) * dilation for extent in weights.shape[1:3]]
        sides = [-(-(side - extent) // stride) for side, extent in zip((height, width), extents, strict=True)]
        return self._layer(name, weights, biases, scales, (1, *sides, size), options)

    def dense(self, weights: Any, biases: Any, scales: Any) -> int:
        """Add a fully connected layer of weights `[out, in]`."""
        options = self._schema.FullyConnectedOptionsT()
        return self._layer("FULLY_CONNECTED", weights, biases, scales, (1, len(weights)), options)

    def add(self, first: int, second: int) -> int:
        """Add two tensors."""
        output = self._tensor(self.shape, 1.5 * self.SCALE, self.ZERO)
        return self._operator("ADD", [first, second], output, 2, self._schema.AddOptionsT())

    def write(self, path: Path) -> Path:
        """Write the file."""
        import flatbuffers

        self._graph.inputs = np.array([self._first], np.int32)
        self._graph.outputs = np.array([self.last], np.int32)
        builder = flatbuffers.Builder(1024)
        builder.Finish(self._model.Pack(builder), b"TFL3")
        path.write_bytes(bytes(builder.Output()))
        return path


@pytest.fixture(scope="session")
def int8_network() -> Callable[..., Int8Network]:
    """Begin a chain of int8 layers with an input of `shape` (without batch)."""
    return Int8Network


@pytest.fixture(autouse=True)
def whole_address_space() -> Iterator[None]:
    """Give back the memory that a check of a foreign file took from its process, which here is that of all tests."""
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_AS)
    yield
    resource.setrlimit(resource.RLIMIT_AS, before)
