"""Convert a tf_keras model to float ONNX with clean names.

tf2onnx does the conversion and folds batch normalisation into convolutions. What it leaves is tidied by `onnx_tidy`.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np

from edgetool.errors import ExportError
from edgetool.exporters.onnx.recurrent import rolled
from edgetool.exporters.onnx.rewrite.fuse import fuse_gelu
from edgetool.exporters.onnx.rewrite.squares import true_shapes_of_squares
from edgetool.exporters.onnx.rewrite.tidy import tidy
from edgetool.exporters.tflite.convert import input_names
from edgetool.exporters.tracing import plain_operators
from edgetool.exporters.unchanged import hand_on, unchanged_outputs
from edgetool.exporters.unrolling import looped_layers, unrolled
from edgetool.exporters.written_out import next_step_without, written_out

if TYPE_CHECKING:
    import tf_keras
    from onnx import ModelProto

__all__ = ["OPSET", "check_model", "convert"]

#: The newest opset that tf2onnx writes; models with GELU get a newer one (`onnx_fuse`).
OPSET = 18

_converted: WeakKeyDictionary[Any, bytes] = WeakKeyDictionary()


def convert(keras_model: tf_keras.Model) -> ModelProto:
    """Return the ONNX `ModelProto` of a tf_keras model: float weights, open batch dimension.

    A model is converted once: most recipes only differ in how they quantise it, and models never change in place.
    Quantise-aware layers become QuantizeLinear and DequantizeLinear on activations, and weights already rounded to
    their grid.

    Args:
        keras_model: functional or sequential; not modified.

    Raises:
        ExportError: tf2onnx does not know an operator of the model.
    """
    import onnx

    content = _converted.get(keras_model)
    if content is None:
        content = _converted[keras_model] = _convert(keras_model).SerializeToString()
    return onnx.load_from_string(content)


def _convert(keras_model: tf_keras.Model) -> ModelProto:
    """Convert what a model computes, and hand on what it does not."""
    import tf_keras

    unchanged = unchanged_outputs(keras_model)
    if not unchanged:
        return _convert_computed(keras_model)
    computed = [tensor for index, tensor in enumerate(keras_model.outputs) if index not in unchanged]
    if computed:
        model = _convert_computed(tf_keras.Model(keras_model.inputs, computed, name=keras_model.name))
    else:
        model = _empty(keras_model)
    inputs = input_names(keras_model)
    hand_on(model.graph, {index: inputs[place] for index, place in unchanged.items()})
    return model


def _empty(keras_model: tf_keras.Model) -> ModelProto:
    """Return an ONNX model with the inputs of a tf_keras model and nothing else."""
    from onnx import helper

    inputs = [
        helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(kind), ["N", *tensor.shape[1:]])
        for name, tensor in zip(input_names(keras_model), keras_model.inputs, strict=True)
        for kind in [np.dtype(tensor.dtype.as_numpy_dtype)]
    ]
    graph = helper.make_graph([], str(keras_model.name), inputs, [])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=8)


def _convert_computed(keras_model: tf_keras.Model) -> ModelProto:
    import tensorflow as tf
    import tf2onnx

    signature = [
        tf.TensorSpec((None, *tensor.shape[1:]), tensor.dtype, name=name)
        for tensor, name in zip(keras_model.inputs, input_names(keras_model), strict=True)
    ]
    logger = logging.getLogger("tf2onnx")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        with plain_operators(), written_out("onnx"), true_shapes_of_squares(), rolled(keras_model) as was_rolled:
            model, _ = tf2onnx.convert.from_keras(keras_model, input_signature=signature, opset=OPSET)
        loops = looped_layers(keras_model, fused_lstm=False)
        if (was_rolled or loops) and any(node.op_type in ("Loop", "Scan", "If") for node in model.graph.node):
            with plain_operators(), written_out("onnx"), true_shapes_of_squares(), unrolled(loops):
                model, _ = tf2onnx.convert.from_keras(keras_model, input_signature=signature, opset=OPSET)
    except (ValueError, TypeError, KeyError, RuntimeError, NotImplementedError, AssertionError) as exc:
        raise ExportError(
            str(keras_model.name),
            found=f"tf2onnx refused it: {' '.join(str(exc).split())[:300]}",
            expected="layers that ONNX can express",
            next_step="export TFLite alone (exports = ['tflite'] in the recipe)",
        ) from exc
    finally:
        logger.setLevel(level)
    model = fuse_gelu(model)
    _refuse_foreign_ops(model, str(keras_model.name))
    # Of a wrapper the layer inside gives the name, if the wrapper runs it by that (a Bidirectional does not).
    names = {str(part.name): None for layer in keras_model.layers for part in (layer, getattr(layer, "layer", layer))}
    tidy(model, list(names))
    model.graph.name = str(keras_model.name)
    return model


def check_model(model: ModelProto, subject: str) -> bytes:
    """Return the model's bytes, once `onnx.checker` and onnxruntime took it.

    Raises:
        ExportError: either refused it.
    """
    import onnx
    import onnxruntime
    from onnxruntime.capi import onnxruntime_pybind11_state as ort_errors

    content: bytes = model.SerializeToString(deterministic=True)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    try:
        onnx.checker.check_model(model, full_check=True)
        onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except (
        onnx.checker.ValidationError,
        onnx.shape_inference.InferenceError,
        ort_errors.Fail,
        ort_errors.InvalidGraph,
        ort_errors.InvalidArgument,
        ort_errors.NotImplemented,
        ort_errors.RuntimeException,
    ) as exc:
        raise ExportError(
            subject,
            found=f"an ONNX model that cannot be loaded: {' '.join(str(exc).split())[:300]}",
            expected="a model that onnx.checker and onnxruntime take",
            next_step="export TFLite alone (exports = ['tflite'] in the recipe)",
        ) from exc
    return content


def _refuse_foreign_ops(model: ModelProto, subject: str) -> None:
    """Raise where tf2onnx left TensorFlow operators: they have a domain of their own."""
    import onnx

    opset = max(int(entry.version) for entry in model.opset_import if entry.domain == "")
    foreign, kinds = set(), set()
    for node in model.graph.node:
        known = node.domain in ("com.microsoft", "ai.onnx.ml") or onnx.defs.has(node.op_type, opset, node.domain)
        if not known:
            kinds.add(str(node.op_type))
            foreign.add(f"{node.op_type} ({node.name})")
    if foreign:
        raise ExportError(
            subject,
            found=f"operators that ONNX does not have: {', '.join(sorted(foreign)[:5])}",
            expected="ONNX operators",
            next_step=next_step_without(kinds, "export TFLite alone (exports = ['tflite'] in the recipe)"),
        )
