"""Bring a `.tflite` file of any age into the form that quantisers expect: operator codes, and weights in float32."""

from __future__ import annotations

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from edgetool.data.dataset import Array
from edgetool.exporters.tflite.file import constant
from edgetool.exporters.tflite.kernels import operator_name

__all__ = ["renew_codes", "widen_halves"]

#: The old field has one byte; 127 in it says that the code is in the new one.
LARGEST_OLD_CODE = 127


def renew_codes(model: schema.ModelT) -> int:
    """State every operator in `builtin_code`; returns how many were in `deprecated_builtin_code` alone.

    Files of before TensorFlow 2.4 have no other field, and readers of the new one take their operators for ADD, whose
    code is 0.
    """
    num_renewed = 0
    for code in model.operatorCodes or []:
        number = max(int(code.builtinCode), int(code.deprecatedBuiltinCode))
        num_renewed += int(code.builtinCode) != number
        code.builtinCode = number
        code.deprecatedBuiltinCode = min(number, LARGEST_OLD_CODE)
    return num_renewed


def widen_halves(model: schema.ModelT) -> int:
    """Store float16 constants as float32 where a DEQUANTIZE widens them, and drop that; returns how many.

    Every half is a float32, so that nothing is lost.
    """
    num_widened = 0
    for graph in model.subgraphs:
        kept = []
        for operator in graph.operators:
            values = _halves(model, graph, operator)
            if values is None:
                kept.append(operator)
                continue
            tensor = graph.tensors[int(operator.outputs[0])]
            data = values.astype(np.float32)
            model.buffers.append(schema.BufferT(data=np.frombuffer(data.tobytes(), np.uint8)))
            tensor.buffer, tensor.shape = len(model.buffers) - 1, np.array(data.shape, np.int32)
            tensor.shapeSignature = None
            num_widened += 1
        graph.operators = kept
    return num_widened


def _halves(model: schema.ModelT, graph: schema.SubGraphT, operator: schema.OperatorT) -> Array | None:
    """Return the float16 constant that a DEQUANTIZE reads; None for every other operator."""
    if operator_name(model, operator) != "DEQUANTIZE":
        return None
    values = constant(model, graph.tensors[int(operator.inputs[0])])
    return values if values is not None and values.dtype == np.float16 else None
