"""A Keras model's outputs in double precision: its TensorFlow graph with every float a double."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from edgetool.data.dataset import Array

if TYPE_CHECKING:
    import tensorflow as tf

__all__ = ["outputs_in_double"]

#: Inputs of FusedBatchNormV3 behind its tensor.
_STATISTICS = ("scale", "offset", "mean", "variance")

#: Operators that give single precision whatever they are given.
_SINGLE = frozenset(("ResizeArea", "ResizeBicubic", "ResizeBilinear", "ScaleAndTranslate"))


def outputs_in_double(run: Callable[..., object], inputs: list[Array]) -> list[Array]:
    """Return the outputs of a function of float32 tensors, computed in float64 from the same weights.

    Its graph is traced and frozen; then all types, constants included, become double, and what TensorFlow computes in
    single precision only is written in operators that have both.

    Args:
        run: gives one tensor or a nest of them for tensors; `run(*inputs)`.
        inputs: one array for each argument.

    Raises:
        ValueError: an operator that TensorFlow does not have in double precision; so do other errors of TensorFlow.
    """
    import tensorflow as tf
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    signature = [tf.TensorSpec(array.shape, array.dtype) for array in inputs]
    traced = tf.function(lambda *tensors: tf.nest.flatten(run(*tensors))).get_concrete_function(*signature)
    frozen = convert_variables_to_constants_v2(traced)
    graph = frozen.graph.as_graph_def()
    _widen(graph)
    feeds = [tensor.name for tensor in frozen.inputs]
    fetches = [tensor.name for tensor in frozen.outputs]
    wide = [array.astype(np.float64) if array.dtype == np.float32 else array for array in inputs]
    with tf.Graph().as_default() as doubled:
        tf.import_graph_def(graph, name="")
        with tf.compat.v1.Session(graph=doubled) as session:
            return list(session.run(fetches, dict(zip(feeds, wide, strict=True))))


def _widen(graph: tf.compat.v1.GraphDef) -> None:
    """Make every float of a GraphDef a double, in place."""
    import tensorflow as tf

    bodies = [graph.node, *(function.node_def for function in graph.library.function)]
    for function in graph.library.function:
        for argument in (*function.signature.input_arg, *function.signature.output_arg):
            if argument.type == tf.float32.as_datatype_enum:
                argument.type = tf.float64.as_datatype_enum
    for nodes in bodies:
        for node in nodes:
            for attribute in node.attr.values():
                _widen_attribute(attribute)
    for node in [node for node in graph.node if node.op == "FusedBatchNormV3"]:
        _write_out(graph, node)
    for node in [node for node in graph.node if node.op in _SINGLE]:
        name, node.name = node.name, f"{node.name}/single"
        cast = graph.node.add(op="Cast", name=name, input=[node.name])
        cast.attr["SrcT"].type = tf.float32.as_datatype_enum
        cast.attr["DstT"].type = tf.float64.as_datatype_enum


def _widen_attribute(attribute: tf.compat.v1.AttrValue) -> None:
    import tensorflow as tf

    single, double = tf.float32.as_datatype_enum, tf.float64.as_datatype_enum
    kind = attribute.WhichOneof("value")
    if kind == "type" and attribute.type == single:
        attribute.type = double
    elif kind == "list":
        attribute.list.type[:] = [double if item == single else item for item in attribute.list.type]
    elif kind == "tensor" and attribute.tensor.dtype == single:
        values = tf.make_ndarray(attribute.tensor).astype(np.float64)
        attribute.tensor.CopyFrom(tf.make_tensor_proto(values))


def _write_out(graph: tf.compat.v1.GraphDef, node: tf.compat.v1.NodeDef) -> None:
    """Replace a batch normalisation by a squared root, products and sums; its output keeps its name."""
    if node.attr["is_training"].b or node.attr["data_format"].s == b"NCHW":
        raise ValueError(f"{node.name}: a batch normalisation of the batch's own statistics, or channels first")
    name, epsilon = node.name, node.attr["epsilon"].f
    tensor, *statistics = node.input[:5]
    parts = dict(zip(_STATISTICS, statistics, strict=True))
    graph.node.remove(node)
    _constant(graph, f"{name}/epsilon", epsilon)
    _operator(graph, "AddV2", f"{name}/shifted", parts["variance"], f"{name}/epsilon")
    _operator(graph, "Rsqrt", f"{name}/root", f"{name}/shifted")
    _operator(graph, "Mul", f"{name}/factor", f"{name}/root", parts["scale"])
    _operator(graph, "Sub", f"{name}/centred", tensor, parts["mean"])
    _operator(graph, "Mul", f"{name}/scaled", f"{name}/centred", f"{name}/factor")
    _operator(graph, "AddV2", name, f"{name}/scaled", parts["offset"])


def _operator(graph: tf.compat.v1.GraphDef, kind: str, name: str, *inputs: str) -> None:
    import tensorflow as tf

    node = graph.node.add(op=kind, name=name)
    node.input.extend(inputs)
    node.attr["T"].type = tf.float64.as_datatype_enum


def _constant(graph: tf.compat.v1.GraphDef, name: str, value: float) -> None:
    import tensorflow as tf

    node = graph.node.add(op="Const", name=name)
    node.attr["dtype"].type = tf.float64.as_datatype_enum
    node.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(np.float64(value)))
