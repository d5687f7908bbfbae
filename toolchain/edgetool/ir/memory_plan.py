"""Plan where activations lie: lifetimes, offsets, and how close the plan is to what is possible."""

from __future__ import annotations

from dataclasses import dataclass

from edgetool.ir.graph import Graph

__all__ = ["ALIGNMENT", "Buffer", "MemoryPlan", "plan_memory"]

#: Offsets are multiples of this, as interpreters and vector units want.
ALIGNMENT = 16

#: Operators whose output is their input seen in another shape: no memory of its own.
_ALIASES = {"RESHAPE", "SQUEEZE", "EXPAND_DIMS", "Reshape", "Squeeze", "Unsqueeze", "Flatten", "Identity", "Dropout"}
#: A QDQ pair marks a quantised tensor: what lies in memory is the integer one.
_MARKERS = {"DequantizeLinear"}


@dataclass(frozen=True, slots=True)
class Buffer:
    """A run of bytes that one or more tensors share.

    Attributes:
        first: index of the operator that writes it (-1: an input of the graph).
        last: index of the last operator that reads it (number of operators: an output of the graph).
    """

    tensors: tuple[str, ...]
    num_bytes: int
    first: int
    last: int
    offset: int


@dataclass(frozen=True, slots=True)
class MemoryPlan:
    """Offsets for every activation.

    Attributes:
        arena_bytes: the end of the last buffer: what a device must set aside.
        lower_bound_bytes: the most that is alive at once; no plan without in-place operators can be smaller.
        peak_op: the operator during which that much is alive.
    """

    buffers: tuple[Buffer, ...]
    arena_bytes: int
    lower_bound_bytes: int
    peak_op: str


def plan_memory(graph: Graph) -> MemoryPlan:
    """Place the activations of `graph`, largest first, each at the lowest offset that is free in its lifetime.

    Greedy by size, as in Pisarchyk and Lee, "Efficient Memory Management for Deep Neural Net Inference" (2020),
    section 5.2. Open dimensions count as 1 (batch 1).
    """
    owner = _owners(graph)
    first: dict[str, int] = {}
    last: dict[str, int] = {}
    members: dict[str, list[str]] = {}
    count = len(graph.ops)

    def touch(name: str, when: int) -> None:
        tensor = graph.tensors.get(name)
        if tensor is None or tensor.constant is not None:
            return
        root = owner.get(name, name)
        first[root] = min(first.get(root, when), when)
        last[root] = max(last.get(root, when), when)
        if name not in members.setdefault(root, []):
            members[root].append(name)

    for name in graph.inputs:
        touch(name, -1)
    constants = _constant_outputs(graph)
    for index, op in enumerate(graph.ops):
        for name in (*op.inputs, *op.outputs):
            if name not in constants:
                touch(name, index)
    for name in graph.outputs:
        touch(name, count)
    sizes = {root: _aligned(_storage_bytes(graph, root)) for root in members}
    placed = _place(sizes, first, last)
    buffers = tuple(
        Buffer(tuple(members[root]), sizes[root], first[root], last[root], placed[root])
        for root in sorted(members, key=lambda root: (first[root], placed[root]))
    )
    bound, peak = 0, ""
    for index, op in enumerate(graph.ops):
        alive = sum(sizes[root] for root in members if first[root] <= index <= last[root])
        if alive > bound:
            bound, peak = alive, op.name
    arena = max((buffer.offset + buffer.num_bytes for buffer in buffers), default=0)
    return MemoryPlan(buffers, arena, bound, peak)


def _owners(graph: Graph) -> dict[str, str]:
    """Return for each tensor without memory of its own the tensor whose memory it is."""
    readers: dict[str, list[str]] = {}
    for op in graph.ops:
        for name in op.inputs:
            readers.setdefault(name, []).append(op.kind)
    owner: dict[str, str] = {}

    def root(name: str) -> str:
        seen = set()
        while name in owner and name not in seen:
            seen.add(name)
            name = owner[name]
        return name

    kept = {*graph.inputs, *graph.outputs}
    for op in graph.ops:
        if not op.inputs or not op.outputs or graph.constant(op.inputs[0]) is not None:
            continue
        source, result = op.inputs[0], op.outputs[0]
        if op.kind in _ALIASES or op.kind in _MARKERS:
            owner[result] = root(source)
        elif op.kind == "QuantizeLinear" and readers.get(source) == ["QuantizeLinear"] and source not in kept:
            # The float tensor exists only to be quantised: runtimes write integers at once.
            owner[source] = result
    return {name: root(name) for name in owner}


def _constant_outputs(graph: Graph) -> set[str]:
    """Return tensors that depend on constants alone: runtimes fold them when they load the file."""
    found: set[str] = set()
    inputs = set(graph.inputs)
    for op in graph.ops:
        given = [name for name in op.inputs if name]
        if all(name in found or graph.constant(name) is not None for name in given) and not inputs & set(given):
            found.update(op.outputs)
    return found


def _storage_bytes(graph: Graph, root: str) -> int:
    return graph.tensors[root].num_bytes


def _aligned(num_bytes: int) -> int:
    return -(-num_bytes // ALIGNMENT) * ALIGNMENT


def _place(sizes: dict[str, int], first: dict[str, int], last: dict[str, int]) -> dict[str, int]:
    placed: dict[str, int] = {}
    for name in sorted(sizes, key=lambda name: (-sizes[name], first[name], name)):
        busy = sorted(
            (placed[other], placed[other] + sizes[other])
            for other in placed
            if first[other] <= last[name] and first[name] <= last[other]
        )
        offset = 0
        for start, end in busy:
            if offset + sizes[name] <= start:
                break
            offset = max(offset, end)
        placed[name] = offset
    return placed
