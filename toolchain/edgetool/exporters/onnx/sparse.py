"""Store pruned kernels without their zeros, by standard operators on constants.

ONNX's own `sparse_initializer` takes eight bytes an index, which is more than an int8 weight saves. Here a kernel is
stored as its non-zero values and the gaps between them, one byte each:

    positions = CumSum(Cast(gaps)) ;  kernel = Reshape(ScatterElements(zeros, positions, values), shape)

A gap beyond 255 is bridged by storing a zero in between. All inputs are constants, so onnxruntime computes the kernel
once while loading and fuses it as if it had been stored: same bits, same latency.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from edgetool.data.dataset import Array
from edgetool.exporters.onnx.graph import constant, drop_unused, set_constant

if TYPE_CHECKING:
    from onnx import GraphProto

__all__ = ["gaps_of", "sparsify"]

MAX_GAP = 255
#: Nodes, names and shapes of the sparse form of one kernel take about so many bytes.
OVERHEAD_BYTES = 500


def sparsify(graph: GraphProto, kernels: list[str]) -> dict[str, int]:
    """Store the kernels of `graph` (modified) sparsely where that is smaller.

    Args:
        graph: main graph.
        kernels: names of initialisers.

    Returns:
        kernel name -> bytes saved, of those stored sparsely. The name is now that of the computed tensor.
    """
    saved: dict[str, int] = {}
    for name in kernels:
        kernel = constant(graph, name)
        if kernel is None or kernel.dtype.itemsize > 4:
            continue
        flat = kernel.ravel()
        if np.count_nonzero(flat) * (kernel.itemsize + 1) >= kernel.nbytes:
            continue
        gaps, positions = gaps_of(flat)
        gain = kernel.nbytes - gaps.nbytes - positions.size * kernel.dtype.itemsize - OVERHEAD_BYTES
        if gain <= 0:
            continue
        _replace(graph, name, kernel, gaps, flat[positions])
        saved[name] = gain
    drop_unused(graph)
    return saved


def gaps_of(flat: Array) -> tuple[Array, Array]:
    """Return uint8 steps from one stored element to the next, and the positions of the stored elements.

    Args:
        flat: `[N]`; every non-zero element is stored, and a zero where a gap is longer than a byte can say.
    """
    positions: list[int] = []
    last = 0
    for position in np.flatnonzero(flat).tolist():
        while position - last > MAX_GAP:
            last += MAX_GAP
            positions.append(last)
        positions.append(position)
        last = position
    stored = np.asarray(positions, np.int64)
    return np.diff(stored, prepend=0).astype(np.uint8), stored


def _replace(graph: GraphProto, name: str, kernel: Array, gaps: Array, values: Array) -> None:
    """Put the nodes that compute the kernel `name` at the front of the graph."""
    from onnx import TensorProto, helper, numpy_helper

    for tensor in list(graph.initializer):
        if tensor.name == name:
            graph.initializer.remove(tensor)
    zero = numpy_helper.from_array(np.zeros(1, kernel.dtype))
    inputs = {
        "values": values,
        "gaps": gaps,
        "size": np.array([kernel.size], np.int64),
        "shape": np.array(kernel.shape, np.int64),
    }
    names = {key: set_constant(graph, f"{name}/{key}", array) for key, array in inputs.items()}
    axis = set_constant(graph, "first_axis", np.array(0, np.int64))
    nodes = [
        helper.make_node("Cast", [names["gaps"]], [f"{name}/steps"], to=TensorProto.INT32),
        helper.make_node("CumSum", [f"{name}/steps", axis], [f"{name}/positions"]),
        helper.make_node("ConstantOfShape", [names["size"]], [f"{name}/zeros"], value=zero),
        helper.make_node(
            "ScatterElements", [f"{name}/zeros", f"{name}/positions", names["values"]], [f"{name}/flat"], axis=0
        ),
        helper.make_node("Reshape", [f"{name}/flat", names["shape"]], [name]),
    ]
    for index, node in enumerate(nodes):
        graph.node.insert(index, node)
