"""Which operators of a model TensorFlow Lite Micro has kernels for, and how its resolver registers them."""

from __future__ import annotations

import functools
import tomllib
from pathlib import Path

from edgetool.errors import UnsupportedModelError
from edgetool.ir.graph import Graph, Op
from edgetool.ir.operators import Family, names_of

__all__ = ["known_operators", "resolver_methods"]

TABLE = Path(__file__).with_name("tflm_operators.toml")

#: Custom operators that TFLM's own sources define.
CUSTOM = {
    "CUSTOM:CIRCULAR_BUFFER": "AddCircularBuffer",
    "CUSTOM:TFLite_Detection_PostProcess": "AddDetectionPostprocess",
    "CUSTOM:ethos-u": "AddEthosU",
}

#: Index of the activation that chooses the kernel, where it is not the first input.
DATA_INPUT = {"EMBEDDING_LOOKUP": 1, "FILL": 1, "SELECT_V2": 1, "SPLIT": 1, "TRANSPOSE_CONV": 2}

#: Operators with kernels for weights of the activations' own type, or integer weights where those are integers.
WEIGHTED = names_of(
    Family.CONVOLUTION, Family.DEPTHWISE, Family.TRANSPOSED, Family.DENSE, Family.PRODUCT, is_tflite=True
)

#: Inputs that must be constants, because TFLM plans memory before it runs; found by running models without them.
CONSTANT_INPUTS: dict[str, tuple[int, ...]] = {
    "BROADCAST_TO": (1,),
    "EXPAND_DIMS": (1,),
    "FILL": (0,),
    "PAD": (1,),
    "PADV2": (1,),
    "RESIZE_BILINEAR": (1,),
    "RESIZE_NEAREST_NEIGHBOR": (1,),
    "SPLIT": (0,),
    "SPLIT_V": (2,),
    "STRIDED_SLICE": (1, 2, 3),
    "TRANSPOSE": (1,),
}


@functools.cache
def known_operators() -> dict[str, tuple[str, tuple[str, ...]]]:
    """Return builtin operator -> method of `MicroMutableOpResolver`, and types of the activation that it takes."""
    rows = tomllib.loads(TABLE.read_text(encoding="utf-8"))
    return {kind: (method, tuple(types)) for kind, (method, *types) in rows.items()}


def resolver_methods(graph: Graph) -> tuple[str, ...]:
    """Return the methods that register the operators of `graph`, each once, sorted.

    Raises:
        UnsupportedModelError: further subgraphs, weights stored sparse, a size that is computed, an operator or a type
            without a kernel. All such operators are named with their layers.
    """
    if graph.notes:
        raise UnsupportedModelError(
            "model",
            found="; ".join(graph.notes),
            expected="one subgraph, whose operators can be registered",
            next_step="replace conditions and loops by layers, or --runtime linux",
        )
    _require_dense(graph)
    methods: set[str] = set()
    refused: dict[str, str] = {}
    for op in graph.ops:
        if op.kind in CUSTOM:
            methods.add(CUSTOM[op.kind])
        elif op.kind not in known_operators():
            refused[op.kind] = op.name
        else:
            method, types = known_operators()[op.kind]
            methods.add(method)
            _require_type(op, graph, types)
            _require_constants(op, graph)
    if refused:
        raise UnsupportedModelError(
            ", ".join(f"{kind} ({layer})" for kind, layer in sorted(refused.items())),
            found=f"{len(refused)} operator{'s' if len(refused) > 1 else ''} that TFLite Micro has no kernel for",
            expected=f"one of {', '.join(sorted(known_operators()))}",
            next_step="replace the layer, or --runtime linux on a board with LiteRT",
        )
    return tuple(sorted(methods))


def _require_dense(graph: Graph) -> None:
    sparse = sorted(tensor.name for tensor in graph.tensors.values() if tensor.sparse)
    sparse += [op.name for op in graph.ops if op.kind == "DENSIFY" and not sparse]
    if sparse:
        raise UnsupportedModelError(
            ", ".join(sparse[:5]) + (", ..." if len(sparse) > 5 else ""),
            found="weights stored sparse (DENSIFY), which TFLite Micro cannot expand",
            expected="dense weights",
            next_step="export by a recipe without pruning, such as w8a8_static",
        )


def _require_type(op: Op, graph: Graph, types: tuple[str, ...]) -> None:
    inputs = [graph.tensors[name] for name in op.inputs if name]
    data = inputs[min(DATA_INPUT.get(op.kind, 0), len(inputs) - 1)] if inputs else None
    if data is None or data.dtype not in types:
        raise UnsupportedModelError(
            f"{op.name} ({op.kind})",
            found=f"type {data.dtype}" if data else "no input",
            expected=f"{' or '.join(types)}, which TFLite Micro has kernels for",
            next_step="export by the recipe w8a8_static, or --runtime linux on a board with LiteRT",
        )
    if op.kind not in WEIGHTED:
        return
    for tensor in inputs:
        if tensor.constant is not None and data.dtype == "float32" and tensor.dtype in ("int4", "int8", "uint8"):
            raise UnsupportedModelError(
                f"{op.name} ({op.kind})",
                found=f"{tensor.dtype} weights beside float32 activations",
                expected="weights and activations quantised alike: TFLite Micro has no hybrid kernels",
                next_step="export by the recipe w8a8_static, or --runtime linux on a board with LiteRT",
            )


def _require_constants(op: Op, graph: Graph) -> None:
    computed = [op.inputs[i] for i in CONSTANT_INPUTS.get(op.kind, ()) if i < len(op.inputs)]
    computed = [name for name in computed if name and graph.constant(name) is None]
    if computed:
        raise UnsupportedModelError(
            f"{op.name} ({op.kind})",
            found=f"{computed[0]}, which is computed when the model runs",
            expected="a constant: TFLite Micro plans its memory before",
            next_step="export the model with a fixed batch and fixed sizes, or --runtime linux on a board with LiteRT",
        )
