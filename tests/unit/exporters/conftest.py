"""A small int8 TFLite model, built without TensorFlow."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest


def _quantization(schema: Any, num_channels: int, scale: float) -> Any:
    return schema.QuantizationParametersT(
        scale=np.full(num_channels, scale, np.float32), zeroPoint=np.zeros(num_channels, np.int64), quantizedDimension=0
    )


@pytest.fixture
def int8_model() -> Callable[..., Any]:
    """Return a builder of: input [1, 4, 4, 8] -> CONV_2D 3x3 (16) -> RESHAPE [-1, 256] -> FULLY_CONNECTED -> out."""
    from ai_edge_litert import schema_py_generated as schema

    def build(conv: np.ndarray, dense: np.ndarray) -> Any:
        buffers = [schema.BufferT()]
        tensors: list[Any] = []

        def add(
            name: str, shape: tuple[int, ...], values: np.ndarray | None = None, kind: Any = None, **rest: Any
        ) -> int:
            where = 0
            if values is not None:
                buffers.append(schema.BufferT(data=np.frombuffer(values.tobytes(), np.uint8)))
                where = len(buffers) - 1
            tensors.append(
                schema.TensorT(
                    shape=np.array(shape, np.int32),
                    shapeSignature=np.array([-1, *shape[1:]], np.int32),
                    type=schema.TensorType.INT8 if kind is None else kind,
                    buffer=where,
                    name=name.encode(),
                    quantization=rest.get("quantization"),
                )
            )
            return len(tensors) - 1

        int32 = schema.TensorType.INT32
        activation = [_quantization(schema, 1, scale) for scale in (0.05, 0.3, 0.3, 4.0)]
        x = add("serving_default_image:0", (1, 4, 4, 8), quantization=activation[0])
        k1 = add("net/c1/Conv2D", conv.shape, conv, quantization=_quantization(schema, 16, 0.01))
        b1 = add(
            "net/c1/Bias", (16,), np.arange(16, dtype=np.int32), int32, quantization=_quantization(schema, 16, 0.0005)
        )
        y = add("net/r/Relu;net/c1/Conv2D1", (1, 4, 4, 16), quantization=activation[1])
        shape = add("const", (2,), np.array([-1, 256], np.int32), int32)
        z = add("net/flatten/Reshape", (1, 256), quantization=activation[2])
        units = dense.shape[0]
        k2 = add("net/d1/MatMul", dense.shape, dense, quantization=_quantization(schema, units, 0.01))
        b2 = add(
            "b2", (units,), np.arange(units, dtype=np.int32), int32, quantization=_quantization(schema, units, 0.003)
        )
        out = add("StatefulPartitionedCall:0", (1, units), quantization=activation[3])
        codes = [(schema.BuiltinOperator.CONV_2D, 3), (schema.BuiltinOperator.RESHAPE, 1)]
        codes.append((schema.BuiltinOperator.FULLY_CONNECTED, 12))

        def operator(code: int, inputs: list[int], output: int, kind: Any, options: Any) -> Any:
            return schema.OperatorT(
                opcodeIndex=code,
                inputs=np.array(inputs, np.int32),
                outputs=np.array([output], np.int32),
                builtinOptionsType=kind,
                builtinOptions=options,
            )

        kinds = schema.BuiltinOptions
        return schema.ModelT(
            version=3,
            description="made by a test",
            operatorCodes=[schema.OperatorCodeT(builtinCode=c, deprecatedBuiltinCode=c, version=v) for c, v in codes],
            buffers=buffers,
            subgraphs=[
                schema.SubGraphT(
                    name="main",
                    tensors=tensors,
                    inputs=np.array([x], np.int32),
                    outputs=np.array([out], np.int32),
                    operators=[
                        operator(0, [x, k1, b1], y, kinds.Conv2DOptions, schema.Conv2DOptionsT(strideW=1, strideH=1)),
                        operator(1, [y, shape], z, kinds.ReshapeOptions, schema.ReshapeOptionsT()),
                        operator(2, [z, k2, b2], out, kinds.FullyConnectedOptions, schema.FullyConnectedOptionsT()),
                    ],
                )
            ],
            signatureDefs=[
                schema.SignatureDefT(
                    inputs=[schema.TensorMapT(name=b"image", tensorIndex=x)],
                    outputs=[schema.TensorMapT(name=b"output_0", tensorIndex=out)],
                    signatureKey="serving_default",
                )
            ],
        )

    return build


@pytest.fixture
def pruned() -> Callable[..., np.ndarray]:
    """Return a maker of int8 arrays with a share of zeros."""

    def make(shape: tuple[int, ...], sparsity: float, seed: int = 0) -> np.ndarray:
        rng = np.random.default_rng(seed)
        values = rng.integers(1, 128, shape).astype(np.int8) * rng.choice(np.array([-1, 1], np.int8), shape)
        values.ravel()[rng.permutation(values.size)[: round(sparsity * values.size)]] = 0
        return values

    return make


@pytest.fixture
def run_tflite() -> Callable[..., np.ndarray]:
    """Return a function that runs a file's content on seeded int8 inputs with LiteRT's default or reference kernels."""
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    def run(content: bytes, *, reference: bool = False, batch: int = 1) -> np.ndarray:
        kind = OpResolverType.BUILTIN_REF if reference else OpResolverType.AUTO
        interpreter = Interpreter(model_content=content, experimental_op_resolver_type=kind, num_threads=1)
        detail = interpreter.get_input_details()[0]
        interpreter.resize_tensor_input(detail["index"], [batch, *detail["shape"][1:]])
        interpreter.allocate_tensors()
        shape = (batch, *detail["shape"][1:])
        interpreter.set_tensor(detail["index"], np.random.default_rng(5).integers(-128, 128, shape).astype(np.int8))
        interpreter.invoke()
        return np.array(interpreter.get_tensor(interpreter.get_output_details()[0]["index"])).astype(np.int32)

    return run
