"""JAX functions as flat programs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from edgetool.errors import UnsupportedModelError
from edgetool.importers.jaxpr import Constant, Program, Value, flatten


@pytest.fixture(autouse=True)
def _jax(require_backend: Callable[[str], None]) -> None:
    require_backend("jax")


def trace(function: Callable[..., Any], *shape: int, batch: bool = False, dtype: str = "float32") -> Program:
    import jax
    from jax import export

    first = export.symbolic_shape("batch")[0] if batch else 2
    return flatten(jax.make_jaxpr(function)(jax.ShapeDtypeStruct((first, *shape), dtype)), lambda array: "", "f")


def kinds(program: Program) -> list[str]:
    return [step.kind for step in program.steps]


def test_calls_are_inlined() -> None:
    import jax

    program = trace(lambda x: jax.jit(lambda y: jax.nn.relu(y) + 1.0)(x), 3)
    assert kinds(program) == ["max", "add"]
    assert program.outputs == program.steps[-1].outputs


def test_constants_are_computed_and_dead_steps_go() -> None:
    import jax.numpy as jnp

    def function(x: Any) -> Any:
        jnp.exp(x)
        return x * (jnp.arange(3.0) * 2.0 + 1.0)

    program = trace(function, 3)
    assert kinds(program) == ["mul"]
    (row,) = [item for item in program.steps[0].inputs if isinstance(item, Constant)]
    assert np.array_equal(np.ravel(row.values), [1.0, 3.0, 5.0])


def test_the_batch_is_none() -> None:
    import jax.numpy as jnp

    program = trace(lambda x: jnp.where(x > 0, x, 0.0), 3, batch=True)
    assert program.inputs == (Value(program.inputs[0].index, (None, 3), "float32"),)
    assert all(value.shape == (None, 3) for step in program.steps for value in step.outputs)
    assert "broadcast_in_dim" not in kinds(program)


def test_values_are_counted_where_they_are_read() -> None:
    program = trace(lambda x: (x + x, x * 2.0), 3)
    assert program.readers()[program.inputs[0].index] == 3


def test_types_that_edge_formats_lack_are_refused() -> None:
    import jax.numpy as jnp

    with pytest.raises(UnsupportedModelError, match="bfloat16"):
        trace(lambda x: x.astype(jnp.bfloat16) * 2, 3)
