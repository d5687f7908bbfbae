"""Widen an int8 model's first convolution to four input channels, which onnxruntime's fast int8 kernel asks for.

onnxruntime's integer convolution without im2col (mlas/lib/convsym.cpp) takes input channels in fours. An image of one
to three channels falls back to im2col: on MLPerf Tiny ResNet-8 the first convolution, 3 % of the MACs, took 81 us of
330, and 43 us with a fourth channel of zeros. So:

1. the image is multiplied by an identity matrix with columns of zeros before it is quantised. That is exact, and faster
   than `Pad` on the innermost axis (15 us against 33). Pixels go four at a time through one matrix of four such blocks,
   where the size of the image is known: 6 us more go, because the product is less narrow;
2. the kernel is stored as it is, and a `Pad` of constants widens it while the model loads.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from edgetool.exporters.onnx.graph import constant, consumers, producers, replace_node, set_constant

if TYPE_CHECKING:
    from onnx import GraphProto, NodeProto, ValueInfoProto

__all__ = ["widen_first_conv"]

NUM_CHANNELS = 4
#: Pixels that are widened by one row of the product, at most.
MAX_BLOCK = 4


def widen_first_conv(graph: GraphProto) -> str | None:
    """Rewrite the graph in place where it fits; the outputs stay the same bit for bit.

    Returns:
        the kernel that is widened, or None where nothing fits: the graph must start with
        `Transpose` (channels first), `QuantizeLinear`, `DequantizeLinear`, `Conv` over more than one pixel.
    """
    from onnx import helper

    for value in graph.input:
        found = _match(graph, value.name)
        if found is None:
            continue
        transpose, dequantize = found
        kernel = constant(graph, dequantize.input[0])
        assert kernel is not None
        missing = NUM_CHANNELS - kernel.shape[1]
        widen = _widen_image(graph, value, kernel.shape[1])
        transpose.input[0] = widen[-1].output[0]
        replace_node(graph, transpose, [*widen, transpose])
        pads = np.zeros(2 * kernel.ndim, np.int64)
        pads[kernel.ndim + 1] = missing
        name = str(dequantize.input[0])
        amounts = set_constant(graph, f"{name}/pads", pads)
        dequantize.input[0] = f"{name}/wide"
        replace_node(graph, dequantize, [helper.make_node("Pad", [name, amounts], [f"{name}/wide"]), dequantize])
        return name
    return None


def _widen_image(graph: GraphProto, image: ValueInfoProto, channels: int) -> list[NodeProto]:
    """Return the nodes that add channels of zeros to an input of the graph, `[N, *spatial, channels]`."""
    from onnx import helper

    name = str(image.name)
    spatial = [int(dim.dim_value) for dim in image.type.tensor_type.shape.dim[1:-1]]
    num_pixels = math.prod(spatial)  # 0 where a size is open
    block = math.gcd(num_pixels, MAX_BLOCK) if num_pixels else 1
    one = np.eye(channels, NUM_CHANNELS, dtype=np.float32)
    matrix = set_constant(graph, f"{name}/widen", np.kron(np.eye(block, dtype=np.float32), one))
    wide = f"{name}/wide"
    if block == 1:
        return [helper.make_node("MatMul", [name, matrix], [wide], name=wide)]
    shapes = {"rows": [0, num_pixels // block, block * channels], "pixels": [0, *spatial, NUM_CHANNELS]}
    for key, shape in shapes.items():
        set_constant(graph, f"{name}/{key}", np.array(shape, np.int64))
    steps = [
        ("Reshape", [name, f"{name}/rows"], f"{name}/blocks"),
        ("MatMul", [f"{name}/blocks", matrix], f"{name}/wide_blocks"),
        ("Reshape", [f"{name}/wide_blocks", f"{name}/pixels"], wide),
    ]
    return [helper.make_node(kind, inputs, [output], name=output) for kind, inputs, output in steps]


def _match(graph: GraphProto, name: str) -> tuple[NodeProto, NodeProto] | None:
    """Return the Transpose of the graph's input `name` and the DequantizeLinear of the kernel that meets it."""
    readers, made = consumers(graph), producers(graph)
    chain: list[NodeProto] = []
    for kind in ("Transpose", "QuantizeLinear", "DequantizeLinear", "Conv"):
        following = readers.get(name, [])
        if len(following) != 1 or following[0].op_type != kind:
            return None
        chain.append(following[0])
        name = chain[-1].output[0]
    perm = next((list(a.ints) for a in chain[0].attribute if a.name == "perm"), [])
    group = next((a.i for a in chain[3].attribute if a.name == "group"), 1)
    dequantize = made.get(chain[3].input[1])
    kernel = None if dequantize is None else constant(graph, dequantize.input[0])
    if kernel is None or dequantize is None or group != 1 or perm != [0, kernel.ndim - 1, *range(1, kernel.ndim - 1)]:
        return None
    if kernel.shape[1] >= NUM_CHANNELS or all(size == 1 for size in kernel.shape[2:]):
        return None
    return chain[0], dequantize
