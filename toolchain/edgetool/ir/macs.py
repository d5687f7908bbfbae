"""Multiply-accumulates of one inference, operator by operator, from shapes alone.

Only products with weights (or of two matrices) count, as is usual; element-wise operators, pooling and activations
count as 0. An operator of unknown kind or shape counts as None, so that the tool can name what a total leaves out.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from edgetool.ir.graph import Graph, Op
from edgetool.ir.operators import OPERATORS, Products

__all__ = ["op_macs", "weight_inputs"]

Shape = tuple[int, ...]
Shapes = list[Shape]

#: Operators that multiply nothing with weights: moves, element-wise arithmetic, comparisons, reductions, pooling.
_FREE_NAMES = """
    ADD SUB MUL DIV ADD_N POW SQUARED_DIFFERENCE SQUARE NEG ABS EXP LOG SQRT RSQRT SIN COS CEIL FLOOR ROUND
    FLOOR_DIV FLOOR_MOD MAXIMUM MINIMUM LESS LESS_EQUAL GREATER GREATER_EQUAL EQUAL NOT_EQUAL LOGICAL_OR LOGICAL_AND
    LOGICAL_NOT SELECT SELECT_V2 WHERE SIGN ATAN2 BITCAST BITWISE_XOR RIGHT_SHIFT RELU RELU6 RELU_N1_TO_1
    RELU_0_TO_1 LEAKY_RELU PRELU ELU GELU HARD_SWISH TANH LOGISTIC SOFTMAX LOG_SOFTMAX AVERAGE_POOL_2D MAX_POOL_2D
    L2_POOL_2D MEAN SUM REDUCE_MAX REDUCE_MIN REDUCE_PROD REDUCE_ANY REDUCE_ALL ARG_MAX ARG_MIN TOPK_V2 CUMSUM
    L2_NORMALIZATION LOCAL_RESPONSE_NORMALIZATION RESHAPE SQUEEZE EXPAND_DIMS TRANSPOSE CONCATENATION PACK UNPACK
    SPLIT SPLIT_V SLICE STRIDED_SLICE PAD PADV2 MIRROR_PAD TILE BROADCAST_TO BROADCAST_ARGS GATHER GATHER_ND
    SCATTER_ND ONE_HOT CAST SHAPE RANK RANGE FILL ZEROS_LIKE REVERSE_V2 REVERSE_SEQUENCE SPACE_TO_DEPTH
    DEPTH_TO_SPACE SPACE_TO_BATCH_ND BATCH_TO_SPACE_ND RESIZE_BILINEAR RESIZE_NEAREST_NEIGHBOR QUANTIZE DEQUANTIZE
    FAKE_QUANT DENSIFY EMBEDDING_LOOKUP SPARSE_TO_DENSE MATRIX_DIAG MATRIX_SET_DIAG UNIQUE DYNAMIC_UPDATE_SLICE
    VAR_HANDLE READ_VARIABLE ASSIGN_VARIABLE NON_MAX_SUPPRESSION_V4 NON_MAX_SUPPRESSION_V5 SEGMENT_SUM
    UNSORTED_SEGMENT_SUM UNSORTED_SEGMENT_MAX UNSORTED_SEGMENT_MIN UNSORTED_SEGMENT_PROD BUCKETIZE RANDOM_UNIFORM
    RANDOM_STANDARD_NORMAL MULTINOMIAL DILATE
    Add Sub Mul Div Pow Neg Abs Exp Log Sqrt Reciprocal Sin Cos Tan Asin Acos Atan Sinh Cosh Tanh Erf Ceil Floor
    Round Sign Mod Max Min Sum Mean Less LessOrEqual Greater GreaterOrEqual Equal Not And Or Xor Where IsNaN IsInf
    BitShift Relu LeakyRelu PRelu Elu Selu Celu Gelu HardSwish HardSigmoid Sigmoid Softplus Softsign Softmax
    LogSoftmax ThresholdedRelu Mish Swish QuickGelu FastGelu BiasGelu Clip AveragePool MaxPool LpPool
    GlobalAveragePool GlobalMaxPool GlobalLpPool ReduceMean ReduceSum ReduceMax ReduceMin ReduceProd ReduceL1
    ReduceL2 ReduceLogSumExp ReduceSumSquare ReduceLogSum ArgMax ArgMin TopK CumSum BatchNormalization
    InstanceNormalization LayerNormalization GroupNormalization RMSNormalization SimplifiedLayerNormalization
    SkipLayerNormalization LRN LpNormalization MeanVarianceNormalization Reshape Squeeze Unsqueeze Flatten Transpose
    Concat Split Slice Pad Tile Expand Gather GatherElements GatherND ScatterND ScatterElements OneHot Cast CastLike
    Shape Size Range Constant ConstantOfShape Identity Dropout EyeLike Trilu NonZero Unique Compress ReverseSequence
    SpaceToDepth DepthToSpace Resize Upsample QuantizeLinear DequantizeLinear DynamicQuantizeLinear QLinearAdd
    QLinearMul QLinearSigmoid QLinearLeakyRelu QLinearAveragePool QLinearGlobalAveragePool QLinearConcat
    QLinearSoftmax NonMaxSuppression ReorderInput ReorderOutput RandomNormal RandomUniform Bernoulli
"""
_FREE = frozenset(_FREE_NAMES.split())


def weight_inputs(op: Op) -> tuple[str, ...]:
    """Return the names of the tensors that hold the operator's weights; empty for operators without any."""
    row = OPERATORS.get(_formula_name(op))
    if row is None:
        return ()
    return tuple(op.inputs[i] for i in row.weights if i < len(op.inputs) and op.inputs[i])


def op_macs(graph: Graph, op: Op) -> int | None:
    """Return the multiply-accumulates of `op` at batch 1; None where its kind or its shapes are not known."""
    row = OPERATORS.get(_formula_name(op))
    if row is None or row.products is None:
        return 0 if op.kind in _FREE else None
    inputs = [_shape(graph, given) for given in op.inputs]
    outputs = [_shape(graph, made) for made in op.outputs[:1]]
    weights = [_shape(graph, given) for given in weight_inputs(op)]
    known = [shape for shape in (*weights, *outputs) if shape is not None]
    if not outputs or not weights or len(known) != len(weights) + len(outputs):
        return None
    found_inputs = [() if shape is None else shape for shape in inputs]
    try:
        return _FORMULAS[row.products](found_inputs, known[:-1], known[-1], op)
    except (IndexError, ZeroDivisionError):
        return None  # a shape of another rank than the operator is defined for


def _formula_name(op: Op) -> str:
    """TFLite and ONNX both have an LSTM and an RNN, with other inputs; ONNX's output has four and three dimensions."""
    if op.kind in ("LSTM", "RNN") and ("hidden_size" in op.attributes or "direction" in op.attributes):
        return "LSTM_onnx"
    return op.kind


def _shape(graph: Graph, name: str) -> Shape | None:
    """Return a tensor's shape with an open first dimension as 1; None where another one is open."""
    tensor = graph.tensors.get(name)
    if tensor is None or not tensor.has_shape or any(size < 0 for size in tensor.shape[1:]):
        return None
    return tuple(abs(size) for size in tensor.shape)


def _conv(_: Shapes, weights: Shapes, output: Shape, op: Op) -> int:  # noqa: ARG001 - one signature for all
    """Output elements times the elements of one filter (first axis: filters, in OHWI and OIHW alike)."""
    return math.prod(output) * math.prod(weights[0][1:])


def _conv_3d(_: Shapes, weights: Shapes, output: Shape, op: Op) -> int:  # noqa: ARG001
    """Weights are [D, H, W, I, O]."""
    return math.prod(output) * math.prod(weights[0][:-1])


def _depthwise(_: Shapes, weights: Shapes, output: Shape, op: Op) -> int:  # noqa: ARG001
    """Weights are [1, H, W, O]: one HxW window an output element."""
    return math.prod(output) * math.prod(weights[0][1:3])


def _dense(_: Shapes, weights: Shapes, output: Shape, op: Op) -> int:  # noqa: ARG001
    """Weights are [O, I]."""
    return math.prod(output) * weights[0][-1]


def _matmul(_: Shapes, weights: Shapes, output: Shape, op: Op) -> int:
    """Output elements times the inner dimension; the right matrix is [..., I, O], or [..., O, I] if transposed."""
    matrix = weights[0]
    if len(matrix) == 1:
        return math.prod(output) * matrix[0]
    transposed = op.attributes.get("transB") or op.attributes.get("adj_y")
    return math.prod(output) * matrix[-1 if transposed else -2]


def _transposed(inputs: Shapes, weights: Shapes, _: Shape, op: Op) -> int:  # noqa: ARG001
    """Input elements times what each spreads to: TFLite weights [O, H, W, I], the data is input 2."""
    return math.prod(inputs[2]) * math.prod(weights[0][:-1])


def _onnx_transposed(inputs: Shapes, weights: Shapes, _: Shape, op: Op) -> int:  # noqa: ARG001
    """Input elements times what each spreads to: ONNX weights [I, O, H, W], the data is input 0."""
    return math.prod(inputs[0]) * math.prod(weights[0][1:])


def _recurrent(inputs: Shapes, weights: Shapes, _: Shape, op: Op) -> int:  # noqa: ARG001
    """Every weight once for each time step and sample; the input is [B, T, I] or [T, B, I], or [B, I] for a step."""
    return math.prod(inputs[0][:-1]) * sum(math.prod(shape) for shape in weights)


_FORMULAS: dict[Products, Callable[[Shapes, Shapes, Shape, Op], int]] = {
    Products.FILTERS_FIRST: _conv,
    Products.FILTERS_LAST: _conv_3d,
    Products.WINDOW: _depthwise,
    Products.ROWS: _dense,
    Products.MATRICES: _matmul,
    Products.SPREAD: _transposed,
    Products.SPREAD_ONNX: _onnx_transposed,
    Products.STEPS: _recurrent,
}
