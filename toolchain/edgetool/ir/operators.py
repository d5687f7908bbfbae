"""What is known of operators with weights: one row an operator, which everything else asks.

A row says where an operator keeps its kernel, how that lies in the file and in Keras, how its products are counted, and
what the exporter may do with it. Names are those of the file's format: TFLite's in capitals, ONNX's as classes.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

__all__ = ["OPERATORS", "Family", "Operator", "Products", "family_of", "kernel_inputs", "names_of"]


class Family(enum.Enum):
    """What an operator computes with its kernel."""

    CONVOLUTION = "convolution"
    DEPTHWISE = "depthwise convolution"
    TRANSPOSED = "transposed convolution"
    CONVOLUTION_3D = "convolution of volumes"
    DENSE = "fully connected layer"
    PRODUCT = "product of matrices"
    RECURRENT = "recurrent layer"
    TABLE = "look-up in a table"


class Products(enum.Enum):
    """How multiplications are counted from shapes; see `edgetool.ir.macs`."""

    FILTERS_FIRST = "output elements times the elements of one filter, kernel [O, ...]"
    FILTERS_LAST = "output elements times the elements of one filter, kernel [..., O]"
    WINDOW = "output elements times a window, kernel [1, H, W, O]"
    ROWS = "output elements times the inputs, kernel [O, I]"
    MATRICES = "output elements times the inner dimension, right matrix [..., I, O]"
    SPREAD = "elements of input 2 times what each spreads to, kernel [O, H, W, I]"
    SPREAD_ONNX = "elements of input 0 times what each spreads to, kernel [I, O, H, W]"
    STEPS = "every weight once for each step of time"


@dataclass(frozen=True, slots=True)
class Operator:
    """The facts of one operator of one format.

    Attributes:
        name: as the format has it.
        family: what it computes with its kernel.
        weights: inputs that hold weights.
        products: how its multiplications are counted; None where they are not.
        kernel: the input that is the kernel of a Keras layer; None where no one input is.
        channel_axis: axis of the file's kernel along which output channels lie.
        keras_order: the permutation that turns the file's kernel into Keras layout; empty where they are the same, or
            where it depends on the rank.
        keras_channels: the axis of a Keras kernel that is the file's first one; None where axes keep their order.
        sparse_floats: LiteRT computes with a float kernel that a DENSIFY unpacks.
        int8_weights: inputs that may be int8 beside float activations, as the exporter stores them.
        int8_version: version of the operator from which on that holds.
    """

    name: str
    family: Family
    weights: tuple[int, ...]
    products: Products | None = None
    kernel: int | None = None
    channel_axis: int | None = None
    keras_order: tuple[int, ...] = ()
    keras_channels: int | None = None
    sparse_floats: bool = False
    int8_weights: tuple[int, ...] = ()
    int8_version: int = 1


#: The weights of four gates for the input and for the state, and those of the projection.
_LSTM = (*range(1, 9), 16)
_GATES = tuple(range(1, 9))

_TFLITE = (
    Operator(
        "CONV_2D",
        Family.CONVOLUTION,
        weights=(1,),
        products=Products.FILTERS_FIRST,
        kernel=1,
        channel_axis=0,
        keras_order=(1, 2, 3, 0),
        keras_channels=-1,
        sparse_floats=True,
    ),
    Operator(
        "DEPTHWISE_CONV_2D",
        Family.DEPTHWISE,
        weights=(1,),
        products=Products.WINDOW,
        kernel=1,
        channel_axis=3,
        keras_order=(1, 2, 3, 0),
        sparse_floats=True,
    ),
    Operator(
        "TRANSPOSE_CONV",
        Family.TRANSPOSED,
        weights=(1,),
        products=Products.SPREAD,
        kernel=1,
        channel_axis=0,
        keras_order=(1, 2, 0, 3),
        keras_channels=-2,
        sparse_floats=True,
    ),
    Operator(
        "FULLY_CONNECTED",
        Family.DENSE,
        weights=(1,),
        products=Products.ROWS,
        kernel=1,
        channel_axis=0,
        keras_order=(1, 0),
        keras_channels=-1,
        sparse_floats=True,
        int8_weights=(1,),
        int8_version=12,
    ),
    Operator("CONV_3D", Family.CONVOLUTION_3D, weights=(1,), products=Products.FILTERS_LAST, kernel=1),
    Operator("CONV_3D_TRANSPOSE", Family.CONVOLUTION_3D, weights=(1,)),
    Operator("BATCH_MATMUL", Family.PRODUCT, weights=(1,), products=Products.MATRICES, kernel=1),
    Operator("GATHER", Family.TABLE, weights=(), kernel=0, int8_weights=(0,), int8_version=2),
    Operator("EMBEDDING_LOOKUP", Family.TABLE, weights=(1,)),
    Operator("SVDF", Family.RECURRENT, weights=(1, 2), products=Products.STEPS),
    Operator("RNN", Family.RECURRENT, weights=(1, 2), products=Products.STEPS),
    Operator("UNIDIRECTIONAL_SEQUENCE_RNN", Family.RECURRENT, weights=(1, 2), products=Products.STEPS),
    Operator("BIDIRECTIONAL_SEQUENCE_RNN", Family.RECURRENT, weights=(1, 2, 4, 5), products=Products.STEPS),
    Operator("LSTM", Family.RECURRENT, weights=_LSTM, products=Products.STEPS),
    Operator(
        "UNIDIRECTIONAL_SEQUENCE_LSTM",
        Family.RECURRENT,
        weights=_LSTM,
        products=Products.STEPS,
        int8_weights=_GATES,
        int8_version=3,
    ),
    Operator(
        "BIDIRECTIONAL_SEQUENCE_LSTM",
        Family.RECURRENT,
        weights=(*_LSTM, *range(18, 26), 33),
        products=Products.STEPS,
    ),
)

#: `LSTM_onnx` is ONNX's LSTM and its RNN, of which TFLite has the names too.
_ONNX = (
    Operator("Conv", Family.CONVOLUTION, weights=(1,), products=Products.FILTERS_FIRST, kernel=1, channel_axis=0),
    Operator("ConvInteger", Family.CONVOLUTION, weights=(1,), products=Products.FILTERS_FIRST, channel_axis=0),
    Operator("QLinearConv", Family.CONVOLUTION, weights=(3,), products=Products.FILTERS_FIRST, channel_axis=0),
    Operator("FusedConv", Family.CONVOLUTION, weights=(1,), products=Products.FILTERS_FIRST, channel_axis=0),
    Operator("NhwcConv", Family.CONVOLUTION, weights=(1,), products=Products.FILTERS_FIRST),
    Operator("ConvTranspose", Family.TRANSPOSED, weights=(1,), products=Products.SPREAD_ONNX, kernel=1, channel_axis=1),
    Operator("Gemm", Family.DENSE, weights=(1,), products=Products.MATRICES, kernel=1),
    Operator("FusedGemm", Family.DENSE, weights=(1,), products=Products.MATRICES),
    Operator("QGemm", Family.DENSE, weights=(3,), products=Products.MATRICES),
    Operator("MatMul", Family.PRODUCT, weights=(1,), products=Products.MATRICES, kernel=1),
    Operator("FusedMatMul", Family.PRODUCT, weights=(1,), products=Products.MATRICES),
    Operator("MatMulInteger", Family.PRODUCT, weights=(1,), products=Products.MATRICES),
    Operator("MatMulIntegerToFloat", Family.PRODUCT, weights=(1,), products=Products.MATRICES),
    Operator("DynamicQuantizeMatMul", Family.PRODUCT, weights=(1,), products=Products.MATRICES),
    Operator("QLinearMatMul", Family.PRODUCT, weights=(3,), products=Products.MATRICES),
    Operator("Gather", Family.TABLE, weights=(), kernel=0),
    Operator("LSTM_onnx", Family.RECURRENT, weights=(1, 2), products=Products.STEPS),
    Operator("GRU", Family.RECURRENT, weights=(1, 2), products=Products.STEPS),
)

#: Name -> facts.
OPERATORS: dict[str, Operator] = {row.name: row for row in (*_TFLITE, *_ONNX)}


def family_of(name: str) -> Family | None:
    """Return what an operator computes with its kernel; None for operators without weights."""
    row = OPERATORS.get(name)
    return None if row is None else row.family


def names_of(*families: Family, is_tflite: bool) -> tuple[str, ...]:
    """Return the names that operators of these families have in TFLite, or else in ONNX."""
    rows = _TFLITE if is_tflite else _ONNX
    return tuple(row.name for row in rows if row.family in families)


def kernel_inputs(*, is_tflite: bool) -> dict[str, int]:
    """Return which input is the kernel of a Keras layer, for each operator of TFLite, or else of ONNX, that has one."""
    rows = _TFLITE if is_tflite else _ONNX
    return {row.name: row.kernel for row in rows if row.kernel is not None}
