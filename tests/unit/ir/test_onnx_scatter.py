from __future__ import annotations

import numpy as np
import pytest

from edgetool.ir.graph import Op, Tensor
from edgetool.ir.onnx_scatter import expand_scattered

OPS = (
    Op("Cast", "cast", ("gaps",), ("steps",)),
    Op("CumSum", "sum", ("steps", "axis"), ("positions",)),
    Op("ConstantOfShape", "zeros", ("size",), ("zeros",)),
    Op("ScatterElements", "scatter", ("zeros", "positions", "values"), ("flat",)),
    Op("Reshape", "reshape", ("flat", "shape"), ("kernel",)),
    Op("Conv", "conv", ("x", "kernel"), ("y",)),
)


def _tensors(**changed: object) -> dict[str, Tensor]:
    stored = {
        "gaps": np.array([1, 3], np.uint8),
        "values": np.array([5, -7], np.int8),
        "size": np.array([6], np.int64),
        "shape": np.array([2, 3], np.int64),
        **changed,
    }
    return {
        name: Tensor(name, np.shape(v), v.dtype.name, constant=v, stored_bytes=v.nbytes) for name, v in stored.items()
    }


def test_a_scattered_kernel_becomes_a_sparse_constant() -> None:
    tensors = _tensors()
    assert [op.kind for op in expand_scattered(OPS, tensors)] == ["Conv"]
    kernel = tensors["kernel"]
    assert kernel.constant is not None
    assert kernel.constant.tolist() == [[0, 5, 0], [0, -7, 0]]
    assert (kernel.sparse, kernel.stored_bytes, kernel.dtype) == (True, 4, "int8")


@pytest.mark.parametrize(
    "changed",
    [
        {"gaps": np.array([1, 9], np.uint8)},
        {"gaps": np.array([1], np.uint8)},
        {"size": np.array([1 << 40], np.int64)},
        {"shape": np.array([7, 1], np.int64)},
        {"shape": np.array([-2, -3], np.int64)},
    ],
)
def test_parts_that_do_not_fit_are_left_alone(changed: dict[str, object]) -> None:
    tensors = _tensors(**changed)
    assert expand_scattered(OPS, tensors) == OPS
    assert "kernel" not in tensors
