"""Programs: who reads what."""

from __future__ import annotations

from edgetool.embed.program import Program, Step


def test_readers_see_through_aliases_and_count_the_application() -> None:
    steps = (Step("one", "k", ("x",), "a"), Step("two", "k", ("b",), "c"))
    program = Program({}, steps, ("x",), ("c",), {"b": "a"}, "digest")
    assert program.owner("b") == "a" and program.owner("c") == "c"
    assert program.readers() == {"x": [0], "a": [1], "c": [2]}
