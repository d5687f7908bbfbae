"""A JAX function as a flat list of steps: calls inlined, constants computed, steps that nothing needs dropped."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from edgetool.data.dataset import Array
from edgetool.errors import UnsupportedModelError

if TYPE_CHECKING:
    from jax.core import ShapedArray
    from jax.extend.core import ClosedJaxpr, Jaxpr, JaxprEqn, Literal, Var

__all__ = ["Constant", "Program", "Size", "Step", "Value", "flatten"]

#: A dimension: None stands for the batch, or for what is computed from it.
Size = int | None

#: Primitives that only call another function.
CALLS = frozenset(
    {
        "jit",
        "pjit",
        "closed_call",
        "core_call",
        "custom_jvp_call",
        "custom_vjp_call",
        "custom_vjp_call_jaxpr",
        "remat",
        "remat2",
        "checkpoint",
        "custom_lin",
    }
)
#: Primitives that give their input.
IDENTITIES = frozenset({"stop_gradient", "copy", "copy_p", "optimization_barrier", "sharding_constraint"})


@dataclass(frozen=True, slots=True)
class Value:
    """An array that a step makes or an input of the program.

    Attributes:
        index: unique in the program.
        shape: The shape that JAX knows.
        dtype: NumPy's name.
    """

    index: int
    shape: tuple[Size, ...]
    dtype: str


@dataclass(frozen=True, slots=True)
class Constant:
    """Stored values, and the parameter that they are, where they are one: `dense_0/kernel`."""

    values: Array
    name: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """One primitive, or what several were fused to.

    Attributes:
        kind: JAX's name of the primitive.
        inputs: values of earlier steps, or constants.
        outputs: The output values, in the primitive's order.
        params: JAX's own, sizes of the batch as None.
    """

    kind: str
    inputs: tuple[Value | Constant, ...]
    outputs: tuple[Value, ...]
    params: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Program:
    """Steps in order; outputs may be inputs or constants."""

    inputs: tuple[Value, ...]
    steps: tuple[Step, ...]
    outputs: tuple[Value | Constant, ...]

    def readers(self) -> dict[int, int]:
        """Return how often each value is read, by its index; being an output counts."""
        counts: dict[int, int] = {}
        for item in (*(item for step in self.steps for item in step.inputs), *self.outputs):
            if isinstance(item, Value):
                counts[item.index] = counts.get(item.index, 0) + 1
        return counts

    def with_steps(self, steps: tuple[Step, ...]) -> Program:
        """Return the program with other steps; those that no output needs are dropped."""
        return dataclasses.replace(self, steps=_needed(steps, self.outputs))


def flatten(closed: ClosedJaxpr, names: Callable[[object], str], subject: str) -> Program:
    """Flatten a `ClosedJaxpr`.

    Args:
        closed: what `jax.make_jaxpr` gives.
        names: parameter's name of an array that the function closes over; empty for others.
        subject: what errors are about.

    Raises:
        UnsupportedModelError: values of a type that edge formats do not have.
    """
    builder = _Builder(subject)
    inputs = tuple(builder.value(var.aval) for var in closed.jaxpr.invars)
    constants = [Constant(np.asarray(const), names(const)) for const in closed.consts]
    outputs = builder.inline(closed.jaxpr, [*constants, *inputs])
    return Program(inputs, _needed(tuple(builder.steps), outputs), outputs)


class _Builder:
    def __init__(self, subject: str) -> None:
        self.subject = subject
        self.steps: list[Step] = []
        self._num_values = 0

    def value(self, aval: ShapedArray) -> Value:
        dtype = str(np.dtype(aval.dtype)) if np.dtype(aval.dtype).kind in "fiub" else str(aval.dtype)
        if dtype not in ("float32", "int32", "int64", "int16", "int8", "uint8", "uint32", "bool"):
            raise UnsupportedModelError(
                self.subject,
                found=f"values of dtype {dtype}",
                expected="float32, integers and bool",
                next_step="compute in float32: cast the parameters, and the example that the function is given",
            )
        self._num_values += 1
        shape = tuple(int(size) if isinstance(size, int | np.integer) else None for size in aval.shape)
        return Value(self._num_values, shape, dtype)

    def inline(self, jaxpr: Jaxpr, given: list[Value | Constant]) -> tuple[Value | Constant, ...]:
        """Add the steps of `jaxpr`, called with its constants and inputs, and return its outputs."""
        values: dict[Any, Value | Constant] = dict(zip([*jaxpr.constvars, *jaxpr.invars], given, strict=True))

        def read(atom: Var | Literal) -> Value | Constant:
            return Constant(np.asarray(atom.val)) if hasattr(atom, "val") else values[atom]

        for eqn in jaxpr.eqns:
            inputs = [read(atom) for atom in eqn.invars]
            values.update(zip(eqn.outvars, self._apply(eqn, inputs), strict=True))
        return tuple(read(atom) for atom in jaxpr.outvars)

    def _apply(self, eqn: JaxprEqn, inputs: list[Value | Constant]) -> tuple[Value | Constant, ...]:
        kind = str(eqn.primitive.name)
        if kind in IDENTITIES:
            return tuple(inputs)
        if kind in CALLS:
            inner = _inner(eqn)
            consts = [Constant(np.asarray(const)) for const in getattr(inner, "consts", ())]
            jaxpr = getattr(inner, "jaxpr", inner)
            return self.inline(jaxpr, [*consts, *inputs])
        is_static = all(isinstance(size, int | np.integer) for var in eqn.outvars for size in var.aval.shape)
        if is_static and all(isinstance(item, Constant) for item in inputs) and kind != "dim_as_value":
            return self._fold(eqn, [item for item in inputs if isinstance(item, Constant)])
        if kind == "broadcast_in_dim" and isinstance(inputs[0], Constant):
            return (_spread(inputs[0], eqn),)
        outputs = tuple(self.value(var.aval) for var in eqn.outvars)
        self.steps.append(Step(kind, tuple(inputs), outputs, dict(eqn.params)))
        return outputs

    def _fold(self, eqn: JaxprEqn, inputs: list[Constant]) -> tuple[Constant, ...]:
        made = eqn.primitive.bind(*(item.values for item in inputs), **eqn.params)
        arrays = made if eqn.primitive.multiple_results else [made]
        # A parameter that is only moved keeps its name.
        moved = str(eqn.primitive.name) in ("broadcast_in_dim", "reshape", "transpose", "squeeze", "expand_dims")
        name = inputs[0].name if moved and inputs else ""
        return tuple(Constant(np.asarray(array), name) for array in arrays)


def _spread(item: Constant, eqn: JaxprEqn) -> Constant:
    """Repeat a constant along all axes but the batch: what reads it broadcasts."""
    sizes = [int(size) if isinstance(size, int | np.integer) else 1 for size in eqn.outvars[0].aval.shape]
    shape = [1] * len(sizes)
    for axis, size in zip(eqn.params["broadcast_dimensions"], item.values.shape, strict=True):
        shape[axis] = size
    return Constant(np.broadcast_to(item.values.reshape(shape), sizes), item.name)


def _inner(eqn: JaxprEqn) -> ClosedJaxpr | Jaxpr:
    """Return the function that a call primitive calls: open or closed."""
    for name in ("jaxpr", "call_jaxpr", "fun_jaxpr"):
        if name in eqn.params:
            return eqn.params[name]
    raise AssertionError(f"{eqn.primitive.name} without a function")


def _needed(steps: tuple[Step, ...], outputs: tuple[Value | Constant, ...]) -> tuple[Step, ...]:
    wanted = {item.index for item in outputs if isinstance(item, Value)}
    kept: list[Step] = []
    for step in reversed(steps):
        if any(value.index in wanted for value in step.outputs):
            kept.append(step)
            wanted.update(_indices(step))
    return tuple(reversed(kept))


def _indices(step: Step) -> Iterator[int]:
    for item in step.inputs:
        if isinstance(item, Value):
            yield item.index
