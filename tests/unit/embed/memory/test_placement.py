"""Placing memory: nothing alive overlaps, never above greedy, never below the bound, and greedy is improved."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from edgetool.embed.memory.placement import place, sum_alive
from edgetool.ir.memory_plan import Life, place_lives

#: Lives that greedy by size, and every other fixed order, leaves a gap for: 16 * (bytes, first step, last step).
HARD = ((2, 3, 5), (6, 3, 3), (5, 4, 6), (5, 1, 4), (7, 5, 5))

LIVES = st.lists(st.tuples(st.integers(1, 40), st.integers(-1, 8), st.integers(0, 5)), min_size=1, max_size=14)


def lives_of(rows: list[tuple[int, int, int]]) -> list[Life]:
    return [Life(f"t{i}", 16 * size, first, first + length) for i, (size, first, length) in enumerate(rows)]


def end(lives: list[Life], placed: dict[str, int]) -> int:
    return max(placed[life.name] + life.num_bytes for life in lives)


@given(LIVES)
def test_random_lives_are_placed_apart_between_bound_and_greedy(rows: list[tuple[int, int, int]]) -> None:
    lives = lives_of(rows)
    bound = sum_alive(lives)
    placed = place(lives, bound, effort=20_000)
    for a, b in itertools.combinations(lives, 2):
        is_apart = a.last < b.first or b.last < a.first
        above, below = placed[a.name] + a.num_bytes <= placed[b.name], placed[b.name] + b.num_bytes <= placed[a.name]
        assert is_apart or above or below, (a, b)
    assert min(placed.values()) == 0
    assert bound <= end(lives, placed) <= end(lives, place_lives(lives, bound))


@given(LIVES)
def test_the_bound_is_the_most_that_is_alive_at_once(rows: list[tuple[int, int, int]]) -> None:
    lives = lives_of(rows)
    sums = [sum(life.num_bytes for life in lives if life.first <= step <= life.last) for step in range(-1, 14)]
    assert sum_alive(lives) == max(sums)


def test_the_search_finds_what_greedy_does_not() -> None:
    lives = [Life(f"t{i}", 16 * size, first, last) for i, (size, first, last) in enumerate(HARD)]
    bound = sum_alive(lives)
    assert end(lives, place_lives(lives, bound)) == 18 * 16
    assert end(lives, place(lives, bound)) == bound == 14 * 16


def test_the_same_lives_give_the_same_plan() -> None:
    lives = [Life(f"t{i}", 16 * size, first, last) for i, (size, first, last) in enumerate(HARD)]
    assert place(lives, 1, effort=3000) == place(lives, 1, effort=3000)


def test_without_effort_it_is_greedy() -> None:
    lives = [Life(f"t{i}", 16 * size, first, last) for i, (size, first, last) in enumerate(HARD)]
    bound = sum_alive(lives)
    assert place(lives, bound, effort=0) == place_lives(lives, bound)


def test_nothing_takes_nothing() -> None:
    assert place([], 0) == {} and sum_alive([]) == 0
