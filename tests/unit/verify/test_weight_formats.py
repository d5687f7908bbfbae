"""Every kernel of a file is held against what its recipe and its passes asked for."""

from __future__ import annotations

import numpy as np
import pytest

from edgetool.invariants import NumClusters, Sparsity
from edgetool.ir.graph import Graph, Op, Quantization, Tensor
from edgetool.passes.base import ModelState, QuantizationScheme
from edgetool.records import INT8
from edgetool.verify.weight_formats import compare_weights

STATIC = QuantizationScheme.of("static")


def graph() -> Graph:
    """Return two dense layers, the first with int8 weights of 4 values and half zeros, the second in float32."""
    first = np.array([[0, 5, 0, -3], [0, 7, 0, -3]], np.int8)
    second = np.ones((3, 2), np.float32)
    tensors = [
        Tensor("x", (-1, 4), "float32"),
        Tensor("k1", first.shape, "int8", Quantization((0.5, 0.25), (0, 0), 0), constant=first),
        Tensor("k2", second.shape, "float32", constant=second),
    ]
    ops = (Op("FULLY_CONNECTED", "one", ("x", "k1"), ("h",)), Op("FULLY_CONNECTED", "two", ("h", "k2"), ("y",)))
    return Graph("tflite", {item.name: item for item in tensors}, ops, ("x",), ("y",))


def unmet(state: ModelState) -> dict[str, tuple[str, ...]]:
    record = compare_weights(graph(), state, {"dense": "k1"})
    return {kernel.layer: kernel.unmet for kernel in record.kernels}


def test_a_kernel_that_stayed_float_is_told() -> None:
    record = compare_weights(graph(), ModelState(None, STATIC), {"dense": "k1"})
    assert record.asked == INT8
    assert [(kernel.layer, kernel.tensor, kernel.num_weights) for kernel in record.kernels] == [
        ("dense", "k1", 8),
        ("two", "k2", 6),
    ]
    assert unmet(ModelState(None, STATIC)) == {"dense": (), "two": ("bits",)}
    assert record.share_as_asked == pytest.approx(8 / 14)


def test_palettes_and_zeros_are_asked_of_single_layers() -> None:
    clusters, zeros = NumClusters("dense", 3, (4, 2)), Sparsity("dense", 0.5, (4, 2))
    assert unmet(ModelState(None, STATIC, (zeros,)))["dense"] == ()
    assert unmet(ModelState(None, STATIC, (clusters, zeros)))["dense"] == ("palette",)
    per_tensor = QuantizationScheme.of("static", per_channel=False)
    assert unmet(ModelState(None, per_tensor))["dense"] == ("granularity",)
