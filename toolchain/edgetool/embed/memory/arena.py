"""Where activations and scratch memory lie in the one static arena of generated C."""

from __future__ import annotations

from dataclasses import dataclass

from edgetool.embed.memory.placement import EFFORT, place, sum_alive
from edgetool.embed.program import Program
from edgetool.ir.memory_plan import Life, align

__all__ = ["Arena", "least_bytes", "plan_arena"]


@dataclass(frozen=True, slots=True)
class Arena:
    """The plan.

    Attributes:
        offsets: of every tensor in it that an operator reads or writes, in bytes from the arena's start.
        scratch: offset of each step's scratch memory; 0 for steps without.
        num_bytes: of the arena.
        lower_bound_bytes: the most that is alive during one step: no arena can be smaller.
    """

    offsets: dict[str, int]
    scratch: tuple[int, ...]
    num_bytes: int
    lower_bound_bytes: int


def plan_arena(program: Program, *, effort: int = EFFORT) -> Arena:
    """Place inputs, outputs, activations and scratch memory, so that nothing that is needed is overwritten.

    An operator that may work in place does so where its input is not needed again. Inputs are overwritten too: they
    are to be written before every run. Buffers of the application are no part of the arena, and inputs in them stay.
    States have their place to themselves, from one run to the next.

    Args:
        program: its steps are in the order of execution.
        effort: of the search for a smaller plan, see `place`.
    """
    owner = _owners(program)
    lives = _lives(program, owner)
    bound = sum_alive(lives)
    placed = place(lives, bound, effort=effort)
    names = {name for step in program.steps for name in (*step.inputs, step.output)}
    names |= {*program.inputs, *program.outputs, *program.states}
    end = max((placed[life.name] + life.num_bytes for life in lives), default=0)
    return Arena(
        offsets={name: placed[owner[root]] for name in names if owner.get(root := program.owner(name)) in placed},
        scratch=tuple(placed.get(_scratch_name(index), 0) for index in range(len(program.steps))),
        num_bytes=end,
        lower_bound_bytes=bound,
    )


def least_bytes(program: Program) -> int:
    """Return the most bytes that are alive during one step: no arena can be smaller."""
    return sum_alive(_lives(program, _owners(program)))


def _lives(program: Program, owner: dict[str, str]) -> list[Life]:
    """Return when each piece of memory is needed, scratch memory among them."""
    first, last = _lifetimes(program, owner)
    outside = program.callers()
    lives = [
        Life(name, align(_size(program, owner, name)), first[name], last[name]) for name in first if name not in outside
    ]
    for index, step in enumerate(program.steps):
        if step.scratch_bytes:
            lives.append(Life(_scratch_name(index), align(step.scratch_bytes), index, index))
    return lives


def _scratch_name(index: int) -> str:
    return f"\0scratch {index}"  # no tensor's name has a null character


def _owners(program: Program) -> dict[str, str]:
    """Return for every tensor with memory the one whose memory it takes: its own, or that of what it overwrites."""
    _, last = _lifetimes(program, {})
    kept_apart = {*program.constants(), *program.callers(), *program.states}
    owner: dict[str, str] = {program.owner(name): program.owner(name) for name in program.inputs}
    owner |= {name: name for name in program.states}
    for index, step in enumerate(program.steps):
        name = program.owner(step.output)
        owner[name] = name
        kept = {program.owner(given) for side, given in enumerate(step.inputs) if side not in step.overwrites}
        for side in step.overwrites:
            source = program.owner(step.inputs[side])
            if source in kept_apart or name in kept_apart:
                continue
            fits = program.tensors[source].num_bytes >= program.tensors[name].num_bytes
            if fits and source not in kept and last[source] == index and owner[name] == name:
                owner[name] = owner[source]
    return owner


def _lifetimes(program: Program, owner: dict[str, str]) -> tuple[dict[str, int], dict[str, int]]:
    """Return the first and last step that each piece of memory is needed in; constants need none."""
    first: dict[str, int] = {}
    last: dict[str, int] = {}
    constants = program.constants()

    def touch(name: str, when: int) -> None:
        root = program.owner(name)
        if root in constants:
            return
        root = owner.get(root, root)
        first[root] = min(first.get(root, when), when)
        last[root] = max(last.get(root, when), when)

    for name in program.inputs:
        touch(name, -1)
    for index, step in enumerate(program.steps):
        for name in (*step.inputs, step.output):
            touch(name, index)
    for name in program.outputs:
        touch(name, len(program.steps))
    for name in program.states:
        touch(name, -1)
        touch(name, len(program.steps))
    return first, last


def _size(program: Program, owner: dict[str, str], root: str) -> int:
    return max(program.tensors[name].num_bytes for name in (root, *(n for n, found in owner.items() if found == root)))
