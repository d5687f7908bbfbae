"""Operators that C is written for: one file each, with the kernel of the same name's parameters."""

from __future__ import annotations

from collections.abc import Callable

from edgetool.embed.program import Step
from edgetool.ir.graph import Graph, Op

__all__ = ["ALIASES", "OPERATORS", "Lowering"]

#: Turns an operator into a kernel's call.
Lowering = Callable[[Op, Graph], Step]

#: TFLite operator -> `module:function` of its lowering.
OPERATORS: dict[str, str] = {
    "ADD": "edgetool.embed.ops.add:lower_add",
    "AVERAGE_POOL_2D": "edgetool.embed.ops.pool_2d:lower_pool_2d",
    "CONV_2D": "edgetool.embed.ops.conv_2d:lower_conv_2d",
    "DEPTHWISE_CONV_2D": "edgetool.embed.ops.depthwise_conv_2d:lower_depthwise_conv_2d",
    "FULLY_CONNECTED": "edgetool.embed.ops.fully_connected:lower_fully_connected",
    "MEAN": "edgetool.embed.ops.mean:lower_mean",
    "MAX_POOL_2D": "edgetool.embed.ops.pool_2d:lower_pool_2d",
    "SOFTMAX": "edgetool.embed.ops.softmax:lower_softmax",
    **dict.fromkeys(
        (
            "ABS", "ELU", "GELU", "HARD_SWISH", "LEAKY_RELU", "LOGISTIC", "RELU", "RELU6", "RELU_N1_TO_1", "RSQRT",
            "SQUARE", "TANH",
        ),
        "edgetool.embed.ops.table:lower_table",
    ),
}  # fmt: skip

#: Operators whose output is their input under another shape: no code, no memory.
ALIASES = frozenset({"RESHAPE", "SQUEEZE", "EXPAND_DIMS"})
