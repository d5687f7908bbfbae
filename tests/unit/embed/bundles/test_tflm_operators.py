"""Which operators TFLite Micro takes, under which names, and what is refused with what to do instead."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from edgetool.embed.bundles.tflm_operators import known_operators, resolver_methods
from edgetool.errors import UnsupportedModelError
from edgetool.ir.graph import Graph, Op, Tensor
from edgetool.ir.tflite import read_tflite

GOLDEN = Path(__file__).parents[3] / "golden" / "models"

#: What registers builtin operators in `MicroMutableOpResolver`, as TFLM's `python_ops_resolver.cc` and its users spell
#: it: Add and these words. Kept apart from the table that is tested.
WORDS = """
    Abs Add AddN ArgMax ArgMin AssignVariable AveragePool2D BatchMatMul BatchToSpaceNd BroadcastArgs BroadcastTo
    CallOnce Cast Ceil Concatenation Conv2D Cos CumSum DepthToSpace DepthwiseConv2D Dequantize Div
    DynamicUpdateSlice Elu EmbeddingLookup Equal Exp ExpandDims Fill Floor FloorDiv FloorMod FullyConnected Gather
    GatherNd Greater GreaterEqual HardSwish If L2Normalization L2Pool2D LeakyRelu Less LessEqual Log LogSoftmax
    LogicalAnd LogicalNot LogicalOr Logistic MaxPool2D Maximum Mean Minimum MirrorPad Mul Neg NotEqual Pack Pad
    PadV2 Prelu Quantize ReadVariable ReduceAll ReduceMax ReduceMin Relu Relu6 Reshape ResizeBilinear
    ResizeNearestNeighbor ReverseV2 Round Rsqrt SelectV2 Shape Sin Slice Softmax SpaceToBatchNd SpaceToDepth Split
    SplitV Sqrt Square SquaredDifference Squeeze StridedSlice Sub Sum Svdf Tanh Transpose TransposeConv
    UnidirectionalSequenceLSTM Unpack VarHandle While ZerosLike
"""
METHODS = {f"Add{word}" for word in WORDS.split()}

#: Operators that need further subgraphs or resource variables, which the bundle does not set up.
LEFT_OUT = {"AddAssignVariable", "AddCallOnce", "AddIf", "AddReadVariable", "AddVarHandle", "AddWhile"}


def test_the_table_names_every_method_once() -> None:
    methods = [method for method, _ in known_operators().values()]
    assert len(methods) == len(set(methods)) and set(methods) == METHODS - LEFT_OUT
    assert all(types for _, types in known_operators().values())


def test_every_operator_of_the_table_is_one_of_the_schema() -> None:
    from ai_edge_litert import schema_py_generated as schema

    assert set(known_operators()) <= set(vars(schema.BuiltinOperator))


@pytest.mark.parametrize("name", ["tiny_int8", "tiny_float32"])
def test_a_models_operators_are_registered_once_each(name: str) -> None:
    found = resolver_methods(read_tflite(GOLDEN / f"{name}.tflite"))
    assert found == ("AddConv2D", "AddFullyConnected", "AddReshape", "AddSoftmax")


def test_custom_operators_of_tflm_are_known(conv_graph: Callable[..., Graph]) -> None:
    op = Op("CUSTOM:TFLite_Detection_PostProcess", "boxes", ("x",), ("y",))
    graph = dataclasses.replace(conv_graph(), ops=(op,))
    assert resolver_methods(graph) == ("AddDetectionPostprocess",)


def test_all_unknown_operators_are_named_with_their_layers(conv_graph: Callable[..., Graph]) -> None:
    graph = conv_graph()
    ops = (*graph.ops, Op("GELU", "act", ("y",), ("y",)), Op("CUSTOM:Mine", "own", ("y",), ("y",)))
    with pytest.raises(UnsupportedModelError, match=r"CUSTOM:Mine \(own\), GELU \(act\): 2 operators") as caught:
        resolver_methods(dataclasses.replace(graph, ops=ops))
    assert "CONV_2D" in caught.value.expected and "--runtime linux" in caught.value.next_step


def test_a_type_without_a_kernel_is_named_with_the_layer(conv_graph: Callable[..., Graph]) -> None:
    graph = conv_graph()
    x = dataclasses.replace(graph.tensors["x"], dtype="uint8")
    with pytest.raises(UnsupportedModelError, match=r"y \(CONV_2D\): type uint8") as caught:
        resolver_methods(dataclasses.replace(graph, tensors={**graph.tensors, "x": x}))
    assert "float32 or int8 or int16" in caught.value.expected


def test_weights_of_dynamic_quantisation_are_refused(conv_graph: Callable[..., Graph]) -> None:
    graph = conv_graph()
    x = dataclasses.replace(graph.tensors["x"], dtype="float32", quantization=None)
    with pytest.raises(UnsupportedModelError, match="int8 weights beside float32 activations"):
        resolver_methods(dataclasses.replace(graph, tensors={**graph.tensors, "x": x}))


def test_sparse_weights_are_refused(conv_graph: Callable[..., Graph]) -> None:
    graph = conv_graph()
    w = dataclasses.replace(graph.tensors["w"], sparse=True)
    with pytest.raises(UnsupportedModelError, match="w: weights stored sparse"):
        resolver_methods(dataclasses.replace(graph, tensors={**graph.tensors, "w": w}))
    densify = Op("DENSIFY", "expand", ("w",), ("dense",))
    with pytest.raises(UnsupportedModelError, match="expand: weights stored sparse"):
        resolver_methods(dataclasses.replace(graph, ops=(densify, *graph.ops)))


def test_further_subgraphs_are_refused(conv_graph: Callable[..., Graph]) -> None:
    graph = dataclasses.replace(conv_graph(), notes=("1 further subgraph is not analysed",))
    with pytest.raises(UnsupportedModelError, match="further subgraph"):
        resolver_methods(graph)


def test_the_activation_counts_not_the_first_input() -> None:
    axis = Tensor("axis", (), "int32", constant=np.array(1, np.int32))
    tensors = {t.name: t for t in (axis, Tensor("x", (1, 8), "int8"), Tensor("a", (1, 4), "int8"))}
    op = Op("SPLIT", "a", ("axis", "x"), ("a", "a"))
    assert resolver_methods(Graph("tflite", tensors, (op,), ("x",), ("a",))) == ("AddSplit",)


def test_sizes_that_are_computed_are_refused() -> None:
    dims, value, out = Tensor("dims", (2,), "int32"), Tensor("x", (), "float32"), Tensor("y", (2, 4), "float32")
    op = Op("FILL", "filled", ("dims", "x"), ("y",))
    graph = Graph("tflite", {t.name: t for t in (dims, value, out)}, (op,), ("dims", "x"), ("y",))
    with pytest.raises(UnsupportedModelError, match=r"filled \(FILL\): dims, which is computed"):
        resolver_methods(graph)
    fixed = dataclasses.replace(dims, constant=np.array([2, 4], np.int32))
    assert resolver_methods(dataclasses.replace(graph, tensors={**graph.tensors, "dims": fixed})) == ("AddFill",)
