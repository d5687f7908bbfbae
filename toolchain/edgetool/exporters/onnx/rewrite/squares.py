"""Keep tf2onnx's notion of shapes true where a Transpose is moved behind a product of a value with itself.

`TransposeOptimizer._mul_handler` (tf2onnx 1.17.0) moves it without noting that the product now has its axes in the
other order. A Transpose further on, of images of one pixel or one channel, then becomes a Reshape to a wrong shape. A
LayerNormalization squares: behind the 1x1 images of a ConvNeXt the error made a tensor of 7 GB.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING
from unittest import mock

if TYPE_CHECKING:
    from tf2onnx.graph import Node
    from tf2onnx.optimizer.transpose_optimizer import TransposeOptimizer

__all__ = ["true_shapes_of_squares"]


@contextlib.contextmanager
def true_shapes_of_squares() -> Iterator[None]:
    """Mend tf2onnx's optimizer for what is converted meanwhile."""
    from tf2onnx.optimizer.transpose_optimizer import TransposeOptimizer

    original = TransposeOptimizer._mul_handler

    def handle(optimizer: TransposeOptimizer, transpose: Node, product: Node) -> bool:
        graph = optimizer._g
        is_square = set(product.input) == set(transpose.output)
        shape = graph.get_shape(product.output[0])
        is_moved = bool(original(optimizer, transpose, product))
        if is_moved and is_square and shape:
            places = list(transpose.get_attr_value("perm"))
            graph.set_shape(product.output[0], [shape[places.index(axis)] for axis in range(len(places))])
            graph.set_shape(transpose.output[0], shape)
        return is_moved

    with mock.patch.object(TransposeOptimizer, "_mul_handler", handle):
        yield
