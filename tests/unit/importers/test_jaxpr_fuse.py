"""Patterns of JAX programs that have one operator."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from edgetool.importers.jaxpr import Program, flatten
from edgetool.importers.jaxpr_fuse import fuse

KERNEL = np.random.default_rng(0).normal(size=(3, 4)).astype(np.float32)
ROW = np.array([1.0, 2.0, 3.0, 4.0], np.float32)


@pytest.fixture(autouse=True)
def _jax(require_backend: Callable[[str], None]) -> None:
    require_backend("jax")


def fused(function: Callable[..., Any], *shape: int) -> Program:
    import jax
    from jax import export

    batch = export.symbolic_shape("batch")[0]
    traced = jax.make_jaxpr(function)(jax.ShapeDtypeStruct((batch, *shape), "float32"))
    return fuse(flatten(traced, lambda array: "", "f"))


def kinds(program: Program) -> list[str]:
    return [step.kind for step in program.steps]


def test_softmax() -> None:
    import jax

    program = fused(jax.nn.softmax, 5)
    assert kinds(program) == ["softmax"] and program.steps[0].params == {"axis": 1}


def test_what_only_looks_like_softmax_stays() -> None:
    import jax.numpy as jnp

    def function(x: Any) -> Any:
        shifted = jnp.exp(x - x.max(axis=1, keepdims=True))
        return shifted / shifted.sum(axis=0, keepdims=True)

    assert "softmax" not in kinds(fused(function, 5))


@pytest.mark.parametrize("keepdims", [False, True])
def test_means(keepdims: bool) -> None:
    program = fused(lambda x: x.mean(axis=(1, 2), keepdims=keepdims), 4, 4, 3)
    assert kinds(program) == ["reduce_mean"]
    assert program.steps[0].params == {"axes": (1, 2), "keepdims": keepdims}


def test_a_sum_over_another_number_is_no_mean() -> None:
    assert "reduce_mean" not in kinds(fused(lambda x: x.sum(axis=1) / 3.0, 4))


def test_rectifiers() -> None:
    import jax

    assert kinds(fused(jax.nn.relu, 5)) == ["relu"]
    assert kinds(fused(jax.nn.relu6, 5)) == ["relu6"]
    assert kinds(fused(lambda x: jax.numpy.maximum(x, 1.0), 5)) == ["max"]


def test_rows_behind_a_product_are_taken_in() -> None:
    program = fused(lambda x: ((x @ KERNEL - 1.0) * ROW + ROW) / 2.0, 3)
    assert kinds(program) == ["dot_general"]
    params = program.steps[0].params
    assert np.allclose(params["scale"], ROW / 2.0)
    assert np.allclose(params["shift"], (-ROW + ROW) / 2.0)


def test_a_product_that_others_read_keeps_its_values() -> None:
    def function(x: Any) -> Any:
        y = x @ KERNEL
        return y, y + ROW

    assert kinds(fused(function, 3)) == ["dot_general", "add"]


def test_what_is_no_row_stays() -> None:
    table = np.ones((5, 4), np.float32) * np.arange(5, dtype=np.float32)[:, None]
    assert kinds(fused(lambda x: x @ KERNEL + table, 5, 3)) == ["dot_general", "add"]
    assert kinds(fused(lambda x: 2.0 / (x @ KERNEL), 3)) == ["dot_general", "div"]
