"""GATHER: rows of a table by index, as an embedding does; GATHER_ND: slices by an index along several axes."""

from __future__ import annotations

import math

import numpy as np

from edgetool.embed.ops.checks import output_of, require, suffix_of
from edgetool.embed.ops.copies import KINDS
from edgetool.embed.ops.shapes import outer_inner
from edgetool.embed.program import Fields, Step
from edgetool.ir.graph import Graph, Op

__all__ = ["lower_gather", "lower_gather_nd"]


def lower_gather(op: Op, graph: Graph) -> Step:
    """Return the call. An index outside of the table, which LiteRT refuses, reads the nearest row.

    Raises:
        UnsupportedModelError: other types, batched gathering.
    """
    table, indices = (graph.tensors[name] for name in op.inputs)
    result = output_of(op, graph)
    suffix = suffix_of(op, KINDS, table, result)
    require(
        indices.dtype == "int32" and not int(op.attributes.get("batch_dims", 0)),
        op,
        what=f"indices of {indices.dtype}, batch_dims {op.attributes.get('batch_dims', 0)}",
        expected="int32 and no batch axes",
        next_step="cast the indices to int32",
    )
    axis = int(op.attributes.get("axis", 0)) % len(table.shape)
    outer, rows, inner = outer_inner(table.shape, axis, axis)
    sizes = {"num_outer": outer, "num_rows": rows, "num_indices": indices.num_elements, "num_inner": inner}
    return Step(op.name, f"gather_{suffix}", (table.name, indices.name), result.name, {**sizes})


def lower_gather_nd(op: Op, graph: Graph) -> Step:
    """Return the call. An index outside of an axis, which LiteRT refuses, reads its nearest end.

    Raises:
        UnsupportedModelError: other types.
    """
    table, indices = (graph.tensors[name] for name in op.inputs)
    result = output_of(op, graph)
    suffix = suffix_of(op, KINDS, table, result)
    require(
        indices.dtype == "int32",
        op,
        what=f"indices of {indices.dtype}",
        expected="int32",
        next_step="cast the indices to int32",
    )
    depth = indices.shape[-1]
    fields: Fields = {
        "num_indices": math.prod(indices.shape[:-1]),
        "depth": depth,
        "num_inner": math.prod(table.shape[depth:]),
        "sizes": np.array(table.shape[:depth], np.int32),
    }
    return Step(op.name, f"gather_nd_{suffix}", (table.name, indices.name), result.name, fields)
