"""Groups of options: what is in them, and how they are filled by name."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from edgetool.errors import UsageError
from edgetool.options import commands
from edgetool.options.declare import argument, build, declarations, option


@dataclass(frozen=True, slots=True)
class Inner:
    scale: float | None = option(None, "A factor.")
    names: tuple[str, ...] = option((), "Names.", "--name", "-n")


@dataclass(frozen=True, slots=True)
class Outer:
    model: str = argument("A model.")
    place: str = argument("A place.", "--place")
    inner: Inner = field(default_factory=Inner)
    count: int = option(3, "A number.", minimum=1)


def test_options_are_listed_through_groups_in_order() -> None:
    found = list(declarations(Outer))
    assert [declared.name for declared in found] == ["model", "place", "scale", "names", "count"]
    assert [declared.declaration.is_argument for declared in found] == [True, False, False, False, False]
    assert found[3].declaration.flags == ("--name", "-n") and found[4].declaration.minimum == 1


def test_a_group_is_filled_by_the_names_of_its_options() -> None:
    found = build(Outer, {"model": "m", "place": "p", "names": ("a",)})
    assert found == Outer("m", "p", Inner(None, ("a",)), 3)


def test_a_wrong_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(UsageError, match=r"scales: no option of that name.*did you mean 'scale'"):
        build(Outer, {"model": "m", "place": "p", "scales": 1.0})


def test_what_must_be_given_is_asked_for() -> None:
    with pytest.raises(UsageError, match="place: nothing, expected A place"):
        build(Outer, {"model": "m"})


@pytest.mark.parametrize("name", commands.__all__)
def test_no_option_of_a_command_has_the_name_of_another(name: str) -> None:
    found = list(declarations(getattr(commands, name)))
    names = [declared.name for declared in found]
    flags = [flag for declared in found for flag in declared.declaration.flags]
    assert len(names) == len(set(names)) and len(flags) == len(set(flags))
    assert all(declared.declaration.help.endswith(".") for declared in found)
