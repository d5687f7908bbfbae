"""Groups of options as parameters that typer reads: a command takes a group, its command line takes the options."""

from __future__ import annotations

import dataclasses
import functools
import inspect
from collections.abc import Callable
from typing import Annotated, Any, get_origin

import typer

from edgetool.options.declare import Declared, build, declarations

__all__ = ["flattened"]


def flattened(command: Callable[..., None]) -> Callable[..., None]:
    """Return a function that takes each option of `command`'s groups as a parameter of its own.

    Args:
        command: its parameters are groups of `edgetool.options`, or annotated for typer.
    """
    signature = inspect.signature(command, eval_str=True)
    groups: dict[str, type] = {}
    parameters: list[inspect.Parameter] = []
    for parameter in signature.parameters.values():
        if _is_group(parameter.annotation):
            groups[parameter.name] = parameter.annotation
            parameters.extend(_parameter(declared) for declared in declarations(parameter.annotation))
        else:
            parameters.append(parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY))

    @functools.wraps(command)
    def call(**values: object) -> None:
        arguments = {name: _taken(kind, values) for name, kind in groups.items()}
        command(**arguments, **values)

    call.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    call.__annotations__ = {}
    del call.__wrapped__
    return call


def _is_group(annotation: object) -> bool:
    return isinstance(annotation, type) and dataclasses.is_dataclass(annotation)


def _parameter(declared: Declared) -> inspect.Parameter:
    """Return the parameter by which typer reads one option."""
    declaration = declared.declaration
    kind = list[str] if get_origin(declared.type) is tuple else declared.type
    if declaration.is_argument:
        info: object = typer.Argument(help=declaration.help)
    else:
        flags = declaration.flags or (f"--{declared.name.replace('_', '-')}",)
        info = typer.Option(
            *flags,
            help=declaration.help,
            min=declaration.minimum,
            max=declaration.maximum,
            metavar=declaration.metavar,
        )
    default = inspect.Parameter.empty if declared.default is dataclasses.MISSING else declared.default
    if default == ():
        kind, default = list[str] | None, None
    return inspect.Parameter(
        declared.name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=Annotated[kind, info]
    )


def _taken(kind: type, values: dict[str, Any]) -> object:
    """Return the group with its options, which are taken out of `values`."""
    given: dict[str, object] = {}
    for declared in declarations(kind):
        value = values.pop(declared.name)
        given[declared.name] = tuple(value or ()) if get_origin(declared.type) is tuple else value
    return build(kind, given)
