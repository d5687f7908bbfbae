"""Operators that C is written for: one file each, with the kernel of the same name's parameters."""

from __future__ import annotations

from collections.abc import Callable

from edgetool.embed.program import Step
from edgetool.ir.graph import Graph, Op

__all__ = ["ALIASES", "INTERNAL", "OPERATORS", "STATES", "Lowering"]

#: Turns an operator into a kernel's call, or several in turn.
Lowering = Callable[[Op, Graph], Step | list[Step]]

#: TFLite operator -> `module:function` of its lowering.
OPERATORS: dict[str, str] = {
    "ADD": "edgetool.embed.ops.add:lower_add",
    "ARG_MAX": "edgetool.embed.ops.arg_max:lower_arg_max",
    "ARG_MIN": "edgetool.embed.ops.arg_max:lower_arg_max",
    "AVERAGE_POOL_2D": "edgetool.embed.ops.pool_2d:lower_pool_2d",
    "BATCH_MATMUL": "edgetool.embed.ops.batch_matmul:lower_batch_matmul",
    "CONV_2D": "edgetool.embed.ops.conv_2d:lower_conv_2d",
    "CUMSUM": "edgetool.embed.ops.cumsum:lower_cumsum",
    "DEPTHWISE_CONV_2D": "edgetool.embed.ops.depthwise_conv_2d:lower_depthwise_conv_2d",
    "DETECTIONS": "edgetool.embed.ops.detections:lower_detections",
    "FLIP_SIGN": "edgetool.embed.ops.flip_sign:lower_flip_sign",
    "FULLY_CONNECTED": "edgetool.embed.ops.fully_connected:lower_fully_connected",
    "GATHER": "edgetool.embed.ops.gather:lower_gather",
    "GATHER_ND": "edgetool.embed.ops.gather:lower_gather_nd",
    "L2_NORMALIZATION": "edgetool.embed.ops.l2_normalization:lower_l2_normalization",
    "LOG_SOFTMAX": "edgetool.embed.ops.log_softmax:lower_log_softmax",
    "MEAN": "edgetool.embed.ops.mean:lower_mean",
    "MAX_POOL_2D": "edgetool.embed.ops.pool_2d:lower_pool_2d",
    "RESCALED_BYTES": "edgetool.embed.ops.table:lower_rescaled",
    "SOFTMAX": "edgetool.embed.ops.softmax:lower_softmax",
    "SVDF": "edgetool.embed.ops.svdf:lower_svdf",
    "SPECTRUM": "edgetool.embed.ops.spectrum:lower_spectrum",
    "SUM": "edgetool.embed.ops.mean:lower_mean",
    "UNIDIRECTIONAL_SEQUENCE_LSTM": "edgetool.embed.ops.lstm:lower_lstm",
    "TRANSPOSE_CONV": "edgetool.embed.ops.transpose_conv:lower_transpose_conv",
    **dict.fromkeys(
        (
            "DIV",
            "FLOOR_DIV",
            "FLOOR_MOD",
            "MAXIMUM",
            "MINIMUM",
            "MUL",
            "POW",
            "PRELU",
            "SQUARED_DIFFERENCE",
            "SUB",
        ),
        "edgetool.embed.ops.binary:lower_binary",
    ),
    **dict.fromkeys(("CAST", "DEQUANTIZE", "QUANTIZE"), "edgetool.embed.ops.convert:lower_convert"),
    **dict.fromkeys(
        ("EQUAL", "GREATER", "GREATER_EQUAL", "LESS", "LESS_EQUAL", "NOT_EQUAL"),
        "edgetool.embed.ops.compare:lower_compare",
    ),
    **dict.fromkeys(("SELECT", "SELECT_V2"), "edgetool.embed.ops.compare:lower_select"),
    **dict.fromkeys(("LOGICAL_AND", "LOGICAL_NOT", "LOGICAL_OR"), "edgetool.embed.ops.logical:lower_logical"),
    **dict.fromkeys(("REDUCE_MAX", "REDUCE_MIN"), "edgetool.embed.ops.reduce:lower_reduce"),
    **dict.fromkeys(("RESIZE_BILINEAR", "RESIZE_NEAREST_NEIGHBOR"), "edgetool.embed.ops.resize:lower_resize"),
    **dict.fromkeys(
        (
            "ASSIGN_VARIABLE",
            "BROADCAST_TO",
            "CONCATENATION",
            "DEPTH_TO_SPACE",
            "MIRROR_PAD",
            "PACK",
            "PAD",
            "PADV2",
            "READ_VARIABLE",
            "SLICE",
            "SPACE_TO_DEPTH",
            "SPLIT",
            "SPLIT_V",
            "STRIDED_SLICE",
            "TILE",
            "TRANSPOSE",
            "UNPACK",
        ),
        "edgetool.embed.ops.copies:lower_copies",
    ),
    **dict.fromkeys(
        (
            "ABS",
            "CEIL",
            "COS",
            "ELU",
            "EXP",
            "FLOOR",
            "GELU",
            "HARD_SWISH",
            "LEAKY_RELU",
            "LOG",
            "LOGISTIC",
            "NEG",
            "RELU",
            "RELU6",
            "RELU_N1_TO_1",
            "ROUND",
            "RSQRT",
            "SIGN",
            "SIN",
            "SQRT",
            "SQUARE",
            "TANH",
        ),
        "edgetool.embed.ops.unary:lower_unary",
    ),
}

#: Operators that no file has: those of others are rewritten as them.
INTERNAL = frozenset({"DETECTIONS", "FLIP_SIGN", "RESCALED_BYTES", "SPECTRUM"})

#: Operators with state -> which inputs are it: variables that an interpreter keeps, and that no operator makes.
STATES = {"SVDF": (4,), "UNIDIRECTIONAL_SEQUENCE_LSTM": (18, 19)}

#: Operators whose output is their input under another shape: no code, no memory.
ALIASES = frozenset({"RESHAPE", "SQUEEZE", "EXPAND_DIMS"})
