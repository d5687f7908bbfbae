"""Parse TOML and JSON into dataclasses: unknown keys are refused with the nearest valid name.

File edges are the only place where dictionaries live; inside, everything is a frozen dataclass. Decoding is msgspec's.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from pathlib import Path, PurePath
from typing import Any, TypeVar

from edgetool.errors import EdgetoolError, MissingFileError, nearest

__all__ = ["load_toml", "parse", "to_builtins", "to_json"]

T = TypeVar("T")


def parse(cls: type[T], fields: Any, *, source: str, error: type[EdgetoolError]) -> T:
    """Convert plain `fields` into the dataclass `cls`, checking types and refusing unknown keys.

    Args:
        cls: a (nested) dataclass.
        fields: what a TOML or JSON parser gave.
        source: the file or object that the fields come from, for messages.
        error: the kind of error to raise.

    Raises:
        error: a key is unknown or missing, or a value has the wrong type.
    """
    import msgspec

    _refuse_unknown(cls, fields, source, error)
    try:
        return msgspec.convert(fields, cls, strict=True)
    except msgspec.ValidationError as exc:
        raise error(
            source, found=str(exc), expected=f"the fields of {cls.__name__}", next_step="correct the file and run again"
        ) from None


def load_toml(path: Path, *, error: type[EdgetoolError]) -> dict[str, Any]:
    """Read a TOML file.

    Raises:
        MissingFileError: the file is not there.
        error: it is not valid TOML.
    """
    import tomllib

    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, IsADirectoryError, PermissionError) as exc:
        raise MissingFileError(
            str(path), found=exc.strerror or "no such file", expected="a TOML file", next_step="check the path"
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as exc:
        raise error(
            str(path), found=f"invalid TOML ({exc})", expected="valid TOML", next_step="correct the file and run again"
        ) from None


def to_builtins(value: Any) -> Any:
    """Return `value` (a dataclass, or containers of them) as dictionaries, lists and scalars that JSON can hold."""
    import msgspec

    return msgspec.to_builtins(value, str_keys=True)


def to_json(value: Any, *, indent: int = 2) -> str:
    """Return `value` (a dataclass, or containers of them) as JSON text; paths become strings."""
    import msgspec

    return msgspec.json.format(msgspec.json.encode(value, enc_hook=_path_text), indent=indent).decode()


def _path_text(value: Any) -> str:
    if isinstance(value, PurePath):
        return str(value)
    raise NotImplementedError(f"{type(value).__name__} in JSON")


def _refuse_unknown(cls: Any, fields: Any, source: str, error: type[EdgetoolError], where: str = "") -> None:
    """Walk `fields` along the annotations of `cls` and raise on the first key that no dataclass field has."""
    origin = typing.get_origin(cls)
    arguments = typing.get_args(cls)
    if origin in (typing.Union, types.UnionType):
        for choice in arguments:
            if dataclasses.is_dataclass(choice) and isinstance(fields, dict):
                _refuse_unknown(choice, fields, source, error, where)
        return
    if origin in (tuple, list) and isinstance(fields, list | tuple) and arguments:
        for index, item in enumerate(fields):
            _refuse_unknown(arguments[0], item, source, error, f"{where}[{index}]")
        return
    if origin is dict and isinstance(fields, dict):
        for key, item in fields.items():
            _refuse_unknown(arguments[1], item, source, error, f"{where}.{key}" if where else str(key))
        return
    if not dataclasses.is_dataclass(cls) or not isinstance(fields, dict):
        return
    hints = typing.get_type_hints(cls)
    valid = [field.name for field in dataclasses.fields(cls)]
    for key, item in fields.items():
        path = f"{where}.{key}" if where else str(key)
        if key not in valid:
            raise error(source, found=f"unknown key {path!r}", expected="a known key", next_step=nearest(key, valid))
        _refuse_unknown(hints[key], item, source, error, path)
