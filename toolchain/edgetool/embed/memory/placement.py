"""Where memory lies: greedy by size, and a search of other orders where that takes more than must be."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence

from edgetool.ir.memory_plan import Life, place_lives

__all__ = ["EFFORT", "place", "sum_alive"]

#: Pairs of buffers that a search looks at, at most: about half a second. A count and no time, so that the same model
#: gives the same plan everywhere.
EFFORT = 1_500_000

#: Acceptance of a worse plan at the start of the search, as a share of the lower bound; it falls to 0.
START_TEMPERATURE = 0.05


def sum_alive(lives: Sequence[Life]) -> int:
    """Return the most bytes that are alive during one step: no plan can be smaller."""
    change: dict[int, int] = {}
    for life in lives:
        change[life.first] = change.get(life.first, 0) + life.num_bytes
        change[life.last + 1] = change.get(life.last + 1, 0) - life.num_bytes
    most = alive = 0
    for step in sorted(change):
        alive += change[step]
        most = max(most, alive)
    return most


def place(lives: list[Life], bound: int, *, effort: int = EFFORT) -> dict[str, int]:
    """Return an offset for each.

    Greedy first (see `place_lives`). Where that leaves a gap to `bound`, simulated annealing over the orders in which
    buffers are placed at the lowest free offset: some order gives the smallest plan there is, that of its offsets.
    The result is never above the greedy one, and the same for the same lives.

    Args:
        lives: names differ.
        bound: see `sum_alive`.
        effort: see `EFFORT`.
    """
    placed = place_lives(lives, bound)
    arena = max((placed[life.name] + life.num_bytes for life in lives), default=0)
    if arena <= bound:
        return placed
    ordered = sorted(lives, key=lambda life: (placed[life.name], life.first, life.name))
    offsets = _search(ordered, bound, effort)
    found = max(offset + life.num_bytes for offset, life in zip(offsets, ordered, strict=True))
    if found >= arena:
        return placed
    return {life.name: offset for life, offset in zip(ordered, offsets, strict=True)}


def _search(lives: list[Life], bound: int, effort: int) -> list[int]:
    """Return the offsets of the best plan that simulated annealing finds, in the order of `lives`."""
    sizes = [life.num_bytes for life in lives]
    rivals = [
        [j for j, b in enumerate(lives) if j != i and a.first <= b.last and b.first <= a.last]
        for i, a in enumerate(lives)
    ]
    choice = random.Random(0)  # noqa: S311 - no secret, and the same plan every time
    order = list(range(len(lives)))
    offsets = best = _lowest(order, sizes, rivals)
    arena = smallest = _end(offsets, sizes)
    rounds = effort // (sum(map(len, rivals)) + len(lives))
    for done in range(rounds):
        if smallest <= bound:
            break
        tried = _moved(order, offsets, sizes, arena, choice)
        found = _lowest(tried, sizes, rivals)
        end = _end(found, sizes)
        temperature = START_TEMPERATURE * bound * (1 - done / rounds)
        if end <= arena or choice.random() < math.exp((arena - end) / temperature):
            order, offsets, arena = tried, found, end
        if end < smallest:
            best, smallest = found, end
    return best


def _moved(order: list[int], offsets: list[int], sizes: list[int], arena: int, choice: random.Random) -> list[int]:
    """Return another order: a buffer at the end of the arena is placed earlier, or any two change places."""
    found = list(order)
    if choice.random() < 0.5:
        at = choice.choice([k for k, i in enumerate(order) if offsets[i] + sizes[i] == arena])
        found.insert(choice.randrange(at + 1), found.pop(at))
    else:
        a, b = choice.randrange(len(order)), choice.randrange(len(order))
        found[a], found[b] = found[b], found[a]
    return found


def _lowest(order: list[int], sizes: list[int], rivals: list[list[int]]) -> list[int]:
    """Return the offset of each buffer where one after the other takes the lowest one that is free in its lifetime."""
    offsets = [-1] * len(sizes)
    for i in order:
        offset = 0
        for start, end in sorted([(offsets[j], offsets[j] + sizes[j]) for j in rivals[i] if offsets[j] >= 0]):
            if offset + sizes[i] <= start:
                break
            offset = max(offset, end)
        offsets[i] = offset
    return offsets


def _end(offsets: list[int], sizes: list[int]) -> int:
    return max(offset + size for offset, size in zip(offsets, sizes, strict=True))
