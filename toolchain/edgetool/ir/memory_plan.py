"""Plan where activations lie: lifetimes, offsets, and how close the plan is to what is possible."""

from __future__ import annotations

import bisect
from collections.abc import Callable
from dataclasses import dataclass

from edgetool.ir.graph import Graph

__all__ = ["ALIGNMENT", "Buffer", "Life", "MemoryPlan", "align", "place_lives", "plan_memory"]

#: Offsets are multiples of this, as interpreters and vector units want.
ALIGNMENT = 16

#: Graphs with more buffers than this are planned in the published order alone.
MAX_TRIED = 2000

#: Operators whose output is their input seen in another shape: no memory of its own.
_ALIASES = {"RESHAPE", "SQUEEZE", "EXPAND_DIMS", "Reshape", "Squeeze", "Unsqueeze", "Flatten", "Identity", "Dropout"}
#: A QDQ pair marks a quantised tensor: what lies in memory is the integer one.
_MARKERS = {"DequantizeLinear"}


@dataclass(frozen=True, slots=True)
class Buffer:
    """A run of bytes that one or more tensors share.

    Attributes:
        first: index of the operator that writes it (-1: an input of the graph, or a state that outlives a run).
        last: index of the last operator that reads it (number of operators: an output of the graph, or a state).
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
        unknown: activations whose size is not known; they are not in the plan.
    """

    buffers: tuple[Buffer, ...]
    arena_bytes: int
    lower_bound_bytes: int
    peak_op: str
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Life:
    """Memory that is needed from operator `first` to operator `last`."""

    name: str
    num_bytes: int
    first: int
    last: int


def plan_memory(graph: Graph) -> MemoryPlan:
    """Place the activations of `graph`, each at the lowest offset that is free in its lifetime.

    Greedy by size, as in Pisarchyk and Lee, "Efficient Memory Management for Deep Neural Net Inference" (2020),
    section 5.2; where that leaves a gap to the lower bound, other orders are tried and the smallest plan is kept.
    Open dimensions count as 1 (batch 1). No operator works in place; a change of shape alone takes no memory.
    """
    members, first, last = _lifetimes(graph)
    lives = []
    unknown: list[str] = []
    for root in members:
        tensor = graph.tensors[root]
        if not tensor.has_shape or any(size < 0 for size in tensor.shape[1:]):
            unknown.append(root)
        else:
            lives.append(Life(root, align(tensor.num_bytes), first[root], last[root]))
    bound, peak = _most_alive(graph, lives)
    placed = place_lives(lives, bound)
    buffers = tuple(
        Buffer(tuple(members[life.name]), life.num_bytes, life.first, life.last, placed[life.name])
        for life in sorted(lives, key=lambda life: (life.first, placed[life.name]))
    )
    arena = max((buffer.offset + buffer.num_bytes for buffer in buffers), default=0)
    return MemoryPlan(buffers, arena, bound, peak, tuple(unknown))


def _lifetimes(graph: Graph) -> tuple[dict[str, list[str]], dict[str, int], dict[str, int]]:
    """Return, by the tensor that owns the memory: who shares it, the first and the last operator that need it."""
    owner = _owners(graph)
    constants = graph.constant_outputs()
    made = {name for op in graph.ops for name in op.outputs} | set(graph.inputs)
    first: dict[str, int] = {}
    last: dict[str, int] = {}
    members: dict[str, list[str]] = {}
    count = len(graph.ops)

    def touch(name: str, when: int) -> None:
        tensor = graph.tensors.get(name)
        if tensor is None or tensor.constant is not None or name in constants:
            return
        root = owner.get(name, name)
        first[root] = min(first.get(root, when), when)
        last[root] = max(last.get(root, when), when)
        shared = members.setdefault(root, [root])
        if name not in shared:
            shared.append(name)

    for name in graph.inputs:
        touch(name, -1)
    for index, op in enumerate(graph.ops):
        for name in (*op.inputs, *op.outputs):
            touch(name, index)
            if name and name not in made:  # written by no operator: a state that lives from run to run
                touch(name, -1)
                touch(name, count)
    for name in graph.outputs:
        touch(name, count)
    return members, first, last


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
        if source not in graph.tensors or result not in graph.tensors:
            continue
        if op.kind in _ALIASES or op.kind in _MARKERS:
            owner[result] = root(source)
        elif op.kind == "QuantizeLinear" and readers.get(source) == ["QuantizeLinear"] and source not in kept:
            # The float tensor exists only to be quantised: runtimes write integers at once.
            owner[source] = result
    return {name: root(name) for name in owner}


def align(num_bytes: int) -> int:
    """Return the next multiple of `ALIGNMENT`."""
    return -(-num_bytes // ALIGNMENT) * ALIGNMENT


def _most_alive(graph: Graph, lives: list[Life]) -> tuple[int, str]:
    """Return the most bytes that are alive during an operator, and that operator's name."""
    change = [0] * (len(graph.ops) + 2)
    for life in lives:
        change[max(0, life.first)] += life.num_bytes
        change[min(life.last, len(graph.ops)) + 1] -= life.num_bytes
    most, peak, alive = 0, "", 0
    for index, op in enumerate(graph.ops):
        alive += change[index]
        if alive > most:
            most, peak = alive, op.name
    return most, peak


#: Orders in which buffers are placed, the published one first.
_ORDERS: tuple[Callable[[Life], tuple[int | str, ...]], ...] = (
    lambda life: (-life.num_bytes, life.first, life.name),
    lambda life: (-life.num_bytes, -(life.last - life.first), life.name),
    lambda life: (-(life.last - life.first) * life.num_bytes, life.first, life.name),
    lambda life: (-(life.last - life.first), -life.num_bytes, life.name),
    lambda life: (life.first, -life.num_bytes, life.name),
    lambda life: (-life.last, -life.num_bytes, life.name),
)


def place_lives(lives: list[Life], bound: int) -> dict[str, int]:
    """Return an offset for each, in the best of several orders; `bound`: no plan can be smaller."""
    best: dict[str, int] = {}
    smallest = -1
    for order in _ORDERS if len(lives) <= MAX_TRIED else _ORDERS[:1]:
        placed, arena = _place(sorted(lives, key=order))
        if smallest < 0 or arena < smallest:
            best, smallest = placed, arena
        if smallest <= bound:
            break
    return best


def _place(lives: list[Life]) -> tuple[dict[str, int], int]:
    """Place buffers in the order given, each at the lowest free offset; return offsets and the end of the last."""
    placed: dict[str, int] = {}
    taken: list[tuple[int, int, int, int]] = []  # offset, end, first, last; sorted by offset
    arena = 0
    for life in lives:
        offset = 0
        for start, end, first, last in taken:
            if first > life.last or life.first > last:
                continue
            if offset + life.num_bytes <= start:
                break
            offset = max(offset, end)
        placed[life.name] = offset
        bisect.insort(taken, (offset, offset + life.num_bytes, life.first, life.last))
        arena = max(arena, offset + life.num_bytes)
    return placed, arena
