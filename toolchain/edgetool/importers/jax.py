"""A JAX function with its parameters becomes a tf_keras model of the same layers, proved by equal outputs.

jax2tf hides the function in one XlaCallModule (jax 0.10), which tf2onnx does not know and which the TFLite converter
lowers to many times the operators. So the traced function is written down step by step (`jaxpr`, `jaxpr_fuse`,
`jaxpr_emit`); a primitive that is not in the table is named.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import inspect
from collections.abc import Callable
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from edgetool.data.batching import fitting_batch
from edgetool.data.dataset import Array
from edgetool.errors import EdgetoolError, MissingDependencyError, ParityError, UnsupportedModelError
from edgetool.extras import install_command
from edgetool.importers.base import ImportedModel
from edgetool.importers.jaxpr import flatten
from edgetool.importers.jaxpr_emit import emit
from edgetool.importers.jaxpr_fuse import fuse
from edgetool.importers.keras import adopt

if TYPE_CHECKING:
    import jax
    from jax.extend.core import ClosedJaxpr, Jaxpr

__all__ = ["TRACE_TOLERANCE", "adopt_jax"]

#: Largest difference between the function and the model written from it, relative to the largest output.
TRACE_TOLERANCE = 1e-4
BATCH_SIZE = 64


def adopt_jax(
    function: Callable[..., object], params: object, example: Array | tuple[Array, ...], subject: str, name: str
) -> ImportedModel:
    """Write `function(params, *example)` as a tf_keras model.

    Args:
        function: pure, for inference: it returns an array or a tree of arrays, batch first.
        params: any tree of arrays.
        example: an array, or a tuple of one array an input, batch first.
        subject: what errors are about.
        name: The name of the model.

    Raises:
        MissingDependencyError: jax is not installed.
        UnsupportedModelError: the function cannot be traced, or uses a primitive without an operator.
        ParityError: the model gives other outputs.
    """
    jax = _require_jax(subject)
    params = jax.tree_util.tree_map(
        lambda leaf: jax.numpy.asarray(leaf) if isinstance(leaf, np.ndarray) else leaf, params
    )
    arrays = tuple(np.asarray(item) for item in (example if isinstance(example, tuple | list) else (example,)))
    traced, batch = _trace(jax, function, params, arrays, subject)
    program = fuse(flatten(traced, _parameter_names(jax, params), subject))
    model = emit(program, _input_names(function, len(arrays)), batch, name, subject)

    compiled = jax.jit(function)

    def run(inputs: tuple[Array, ...]) -> tuple[Array, ...]:
        return _run(jax, compiled, params, inputs, arrays, batch)

    imported = adopt(model, subject, "function", runtime="jax", run=run, digest=_digest(jax, traced, params))
    difference = _difference(imported, arrays)
    if not difference <= TRACE_TOLERANCE:
        raise ParityError(
            subject,
            found=f"outputs that differ by {difference:.2e} of the largest one after writing it as tf_keras layers",
            expected=f"at most {TRACE_TOLERANCE:g}",
            next_step="report this as a defect, with the function",
        )
    count = sum(int(np.size(leaf)) for leaf in jax.tree_util.tree_leaves(params))
    facts = {"carried over": f"from JAX to tf_keras, largest relative difference {difference:.1e}"}
    return dataclasses.replace(imported, num_params=count, facts=facts)


def _require_jax(subject: str) -> Any:
    try:
        import jax
    except ImportError:
        raise MissingDependencyError(
            subject,
            found="no jax in this environment",
            expected="JAX, which JAX functions need",
            next_step=install_command("jax"),
        ) from None
    return jax


def _trace(
    jax: ModuleType, function: Callable[..., object], params: object, arrays: tuple[Array, ...], subject: str
) -> tuple[ClosedJaxpr, int | None]:
    """Trace with the batch open; where the function computes with its size, with a batch of 1."""
    from jax import export

    def call(*inputs: object) -> Any:
        return function(params, *inputs)

    (size,) = export.symbolic_shape("batch")
    with contextlib.suppress(
        Exception
    ):  # whatever a size that is no number breaks: the next try says what else is wrong
        traced = jax.make_jaxpr(call)(*(_spec(jax, array, size) for array in arrays))
        if not _computes_with_batch(traced.jaxpr):
            return traced, None
    try:
        return jax.make_jaxpr(call)(*(_spec(jax, array, 1) for array in arrays)), 1
    except EdgetoolError:
        raise
    except Exception as exc:
        raise UnsupportedModelError(
            subject,
            found=f"a function that jax cannot trace ({type(exc).__name__}: {' '.join(str(exc).split())[:300]})",
            expected="function(params, *example) of arrays, batch first",
            next_step="call jax.make_jaxpr(function)(params, *example) by itself and mend it",
        ) from exc


def _spec(jax: ModuleType, array: Array, batch: object) -> jax.ShapeDtypeStruct:
    dtype = {"float64": "float32", "int64": "int32"}.get(array.dtype.name, array.dtype.name)
    return jax.ShapeDtypeStruct((batch, *array.shape[1:]), dtype)


def _computes_with_batch(jaxpr: Jaxpr) -> bool:
    if any(eqn.primitive.name == "dim_as_value" for eqn in jaxpr.eqns):
        return True
    values = [getattr(value, "jaxpr", value) for eqn in jaxpr.eqns for value in eqn.params.values()]
    return any(_computes_with_batch(value) for value in values if hasattr(value, "eqns"))


def _parameter_names(jax: ModuleType, params: object) -> Callable[[Any], str]:
    """Return a function that gives a parameter's place in the tree, `dense_0/kernel`."""
    leaves, _ = jax.tree_util.tree_flatten_with_path(params)
    names = {id(leaf): "/".join(_key(part) for part in path) for path, leaf in leaves}
    return lambda array: names.get(id(array), "")


def _key(part: object) -> str:
    for attribute in ("key", "name", "idx"):
        if hasattr(part, attribute):
            return str(getattr(part, attribute))
    return str(part)


def _input_names(function: Callable[..., object], count: int) -> tuple[str, ...]:
    """Return the names of the function's arguments behind the parameters, or `x0`, `x1`."""
    try:
        names = [p.name for p in inspect.signature(function).parameters.values() if p.kind is p.POSITIONAL_OR_KEYWORD]
    except (TypeError, ValueError):
        names = []
    argument_names = tuple(names[1 : count + 1])
    return argument_names if len(argument_names) == count else tuple(f"x{index}" for index in range(count))


def _run(
    jax: ModuleType,
    compiled: Callable[..., object],
    params: object,
    inputs: tuple[Array, ...],
    example: tuple[Array, ...],
    batch: int | None,
) -> tuple[Array, ...]:
    """Run the function itself on all samples."""
    step = batch or fitting_batch([x.shape for x in inputs], BATCH_SIZE)
    parts = []
    for start in range(0, len(inputs[0]), step):
        chunk = [np.asarray(x[start : start + step]).astype(e.dtype) for x, e in zip(inputs, example, strict=True)]
        parts.append([np.asarray(leaf) for leaf in jax.tree_util.tree_leaves(compiled(params, *chunk))])
    return tuple(np.concatenate(rows) for rows in zip(*parts, strict=True))


def _difference(imported: ImportedModel, example: tuple[Array, ...]) -> float:
    """Return the largest difference of outputs on seeded noise, relative to the largest output; NaN if one has NaN."""
    random = np.random.default_rng(0)
    inputs = []
    for array in example:
        shape = (4, *array.shape[1:])
        drawn = random.random(shape) if array.dtype.kind == "f" else random.integers(0, 2, shape)
        inputs.append(drawn.astype(array.dtype))
    expected = imported.run(tuple(inputs))
    outputs = imported.model.predict(
        inputs if len(inputs) > 1 else inputs[0], batch_size=imported.model.inputs[0].shape[0] or 4, verbose=0
    )
    listed = outputs if isinstance(outputs, list | tuple) else [outputs]
    differences = [0.0]
    for trusted, made in zip(expected, listed, strict=True):
        left, right = trusted.astype(np.float64), np.asarray(made, np.float64)
        differences.append(float(np.abs(left - right).max() / max(1e-12, float(np.abs(left).max()))))
    return float(np.max(differences))


def _digest(jax: ModuleType, traced: ClosedJaxpr, params: object) -> str:
    sha = hashlib.sha256(str(traced.jaxpr).encode())
    for leaf in jax.tree_util.tree_leaves(params):
        sha.update(np.asarray(leaf).tobytes())
    return sha.hexdigest()
