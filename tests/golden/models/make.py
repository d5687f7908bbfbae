"""Make the tiny models of this folder again: `python tests/golden/models/make.py`. They are committed; tests read them.

tiny_float32.tflite, tiny_int8.tflite: [N, 4, 4, 2] -> conv 3x3x4, ReLU, dense 3, softmax; int8 in and out.
tiny.onnx: [N, 6] -> Gemm 5, ReLU, Gemm 3, open batch.
tiny.keras (Keras 3), tiny.h5 (Keras 2): [N, 8, 8, 3] -> a nested model, a layer that is called twice, two outputs.
batch_mean.onnx: [N, 6] -> each sample minus the mean of the batch, which no runtime may be fed in batches.
"""

from __future__ import annotations

import os
from pathlib import Path

os.environ["TF_USE_LEGACY_KERAS"] = "1"
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import numpy as np

HERE = Path(__file__).parent


def make_tflite() -> None:
    import tensorflow as tf

    tf.keras.utils.set_random_seed(7)
    layers = tf.keras.layers
    model = tf.keras.Sequential(
        [
            layers.Input((4, 4, 2), name="image"),
            layers.Conv2D(4, 3, activation="relu"),
            layers.Flatten(),
            layers.Dense(3, activation="softmax", name="classes"),
        ]
    )
    samples = np.random.default_rng(7).uniform(-1, 1, (64, 4, 4, 2)).astype(np.float32)
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    (HERE / "tiny_float32.tflite").write_bytes(converter.convert())
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([sample[None]] for sample in samples)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.int8
    (HERE / "tiny_int8.tflite").write_bytes(converter.convert())


def make_keras() -> None:
    """Save one architecture in both formats, each by another generation of Keras."""
    import keras
    import tf_keras

    for library, name in ((keras, "tiny.keras"), (tf_keras, "tiny.h5")):
        library.utils.set_random_seed(7)
        layers = library.layers
        image = layers.Input((8, 8, 3), name="image")
        block = library.Sequential(
            [
                layers.Input((8, 8, 4)),
                layers.Conv2D(6, 3, padding="same", name="inner"),
                layers.BatchNormalization(name="norm"),
            ],
            name="block",
        )
        x = block(layers.Conv2D(4, 3, padding="same", use_bias=False, name="stem")(image))
        x = layers.DepthwiseConv2D(3, strides=2, padding="same", name="depthwise")(x)
        shared = layers.Dense(3, activation="relu", name="shared")
        pooled = layers.GlobalAveragePooling2D(name="mean")(x)
        largest = layers.GlobalMaxPooling2D(name="largest")(x)
        total = layers.Add(name="total")([shared(pooled), shared(largest)])
        model = library.Model(image, [layers.Dense(2, name="classes")(total), total], name="tiny")
        assert model.count_params() == 443, model.count_params()
        model.save(HERE / name)


def make_onnx() -> None:
    from onnx import TensorProto, helper, numpy_helper

    generator = np.random.default_rng(7)
    shapes = {"w1": (6, 5), "b1": (5,), "w2": (5, 3), "b2": (3,)}
    weights = [
        numpy_helper.from_array(generator.normal(size=shape).astype(np.float32), name) for name, shape in shapes.items()
    ]
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 6])
    nodes = [
        helper.make_node("Gemm", ["x", "w1", "b1"], ["h"]),
        helper.make_node("Relu", ["h"], ["r"]),
        helper.make_node("Gemm", ["r", "w2", "b2"], ["y"]),
    ]
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", 3])
    save(helper.make_graph(nodes, "tiny", [x], [y], weights), "tiny.onnx")
    nodes = [
        helper.make_node("ReduceMean", ["x", "axes"], ["m"], keepdims=1),
        helper.make_node("Sub", ["x", "m"], ["y"]),
    ]
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", 6])
    axes = numpy_helper.from_array(np.array([0], np.int64), "axes")
    save(helper.make_graph(nodes, "batch_mean", [x], [y], [axes]), "batch_mean.onnx")


def save(graph: object, name: str) -> None:
    import onnx
    from onnx import helper

    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.checker.check_model(model)
    (HERE / name).write_bytes(model.SerializeToString())


if __name__ == "__main__":
    make_onnx()
    make_tflite()
    make_keras()
