"""Declare an option as a field of a dataclass; read and fill groups of options by the options' own names.

A group is a frozen dataclass whose fields are options, or groups in turn. An option has one name in all groups of a
command, so that a command line and a Python call can both give options without naming their groups.
"""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar

from edgetool.errors import UsageError, nearest

__all__ = ["Declaration", "Declared", "argument", "build", "declarations", "option"]

Value = TypeVar("Value")
Group = TypeVar("Group")

_KEY = "option"


@dataclass(frozen=True, slots=True)
class Declaration:
    """What the command line says of an option.

    Attributes:
        help: one sentence, or the part of one that follows the option's name.
        flags: how the option is written; empty: from its name.
        is_argument: it has a place on the command line instead of a flag.
        minimum: least value of a number.
        maximum: largest value of a number.
        metavar: what stands for the value in the help; None: its type.
    """

    help: str
    flags: tuple[str, ...] = ()
    is_argument: bool = False
    minimum: float | None = None
    maximum: float | None = None
    metavar: str | None = None


def argument(help_text: str, *flags: str) -> typing.Any:  # as `dataclasses.field`: a field takes it whatever its type
    """Declare a value without a default; it has a place on the command line unless flags are given."""
    return dataclasses.field(metadata={_KEY: Declaration(help_text, flags, is_argument=not flags)})


def option(
    default: Value,
    help_text: str,
    *flags: str,
    minimum: float | None = None,
    maximum: float | None = None,
    metavar: str | None = None,
) -> Value:
    """Declare an option with its default; a tuple can be given several times."""
    declaration = Declaration(help_text, flags, False, minimum, maximum, metavar)
    field: Value = dataclasses.field(default=default, metadata={_KEY: declaration})
    return field


@dataclass(frozen=True, slots=True)
class Declared:
    """One option of a group: its name, its type, its declaration and its default.

    Attributes:
        default: `dataclasses.MISSING` where it must be given.
    """

    name: str
    type: object
    declaration: Declaration
    default: object


def declarations(kind: type) -> Iterator[Declared]:
    """Yield every option of a group and of the groups in it, in the order of the fields."""
    types = typing.get_type_hints(kind)
    for field in dataclasses.fields(kind):
        declaration = field.metadata.get(_KEY)
        if declaration is None:
            yield from declarations(types[field.name])
        else:
            yield Declared(field.name, types[field.name], declaration, field.default)


def build(kind: type[Group], values: Mapping[str, object]) -> Group:
    """Return a group whose options have `values`; those that are not among them keep their defaults.

    Raises:
        UsageError: a name that no option has, or an option that must be given and is not.
    """
    known = [declared.name for declared in declarations(kind)]
    for name in values:
        if name not in known:
            raise UsageError(
                name, found="no option of that name", expected=", ".join(known), next_step=nearest(name, known)
            )
    for declared in declarations(kind):
        if declared.default is dataclasses.MISSING and declared.name not in values:
            raise UsageError(
                declared.name, found="nothing", expected=declared.declaration.help, next_step=f"give {declared.name}"
            )
    return _filled(kind, values)


def _filled(kind: type[Group], values: Mapping[str, object]) -> Group:
    types = typing.get_type_hints(kind)
    fields: dict[str, object] = {}
    for field in dataclasses.fields(kind):  # type: ignore[arg-type]  # groups are dataclasses
        if _KEY not in field.metadata:
            fields[field.name] = _filled(types[field.name], values)
        elif field.name in values:
            fields[field.name] = values[field.name]
    return kind(**fields)
