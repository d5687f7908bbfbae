"""Parse TOML and JSON into dataclasses: unknown keys are refused with the nearest valid name.

File edges are the only place where dictionaries live; inside, everything is a frozen dataclass. Decoding is msgspec's.
"""

from __future__ import annotations

import dataclasses
import json
import math
import types
import typing
from pathlib import Path, PurePath
from typing import Any, TypeVar

from edgetool.errors import EdgetoolError, nearest
from edgetool.paths import read_file

__all__ = ["load_json", "load_toml", "parse", "to_builtins", "to_json"]

T = TypeVar("T")

#: More than any file of edgetool holds.
MAX_FILE_BYTES = 1 << 28
#: Integers beyond this are no count, size or time, and overflow when they are computed with.
MAX_INTEGER = 2**64


def parse(cls: type[T], fields: object, *, source: str, error: type[EdgetoolError]) -> T:
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

    try:
        _refuse_unknown(cls, fields, source, error)
        return msgspec.convert(fields, cls, strict=True)
    except (msgspec.ValidationError, OverflowError, RecursionError) as exc:
        raise error(
            source,
            found=_reason(exc),
            expected=f"the fields of {cls.__name__}",
            next_step="correct the file and run again",
        ) from None


def load_json(path: Path, *, error: type[EdgetoolError]) -> Any:
    """Read a JSON file as strictly as RFC 8259 allows: one value for each key, and numbers that can be computed with.

    Raises:
        MissingFileError: the file is not there, or is no regular file.
        error: it is not such JSON.
    """
    content = read_file(path, expected="a JSON file", max_bytes=MAX_FILE_BYTES)
    try:
        value = json.loads(
            content.decode("utf-8"),
            parse_constant=_refuse_constant,
            parse_float=_finite,
            parse_int=_moderate,
            object_pairs_hook=_unique,
        )
        json.dumps(value, ensure_ascii=False).encode("utf-8")  # fails on half of a surrogate pair
    except (ValueError, RecursionError) as exc:
        raise error(
            str(path),
            found=f"no valid JSON ({_reason(exc)})",
            expected="valid JSON",
            next_step="let edgetool write the file again",
        ) from None
    return value


def load_toml(path: Path, *, error: type[EdgetoolError]) -> dict[str, Any]:
    """Read a TOML file.

    Raises:
        MissingFileError: the file is not there, or is no regular file.
        error: it is not valid TOML, or holds numbers that cannot be computed with.
    """
    import tomllib

    content = read_file(path, expected="a TOML file", max_bytes=MAX_FILE_BYTES)
    try:
        fields = tomllib.loads(content.decode("utf-8"), parse_float=_finite)
        _require_moderate(fields)
    except (ValueError, RecursionError) as exc:
        raise error(
            str(path),
            found=f"invalid TOML ({_reason(exc)})",
            expected="valid TOML",
            next_step="correct the file and run again",
        ) from None
    return fields


def _reason(exc: Exception) -> str:
    return "nested too deeply" if isinstance(exc, RecursionError) else str(exc)[:300]


def _refuse_constant(text: str) -> float:
    raise ValueError(f"{text} is no number of JSON")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text[:40]} is no finite number")
    return value


def _moderate(text: str) -> int:
    if len(text) > 25 or abs(int(text)) >= MAX_INTEGER:
        raise ValueError(f"{text[:40]} is too large for an integer")
    return int(text)


def _require_moderate(value: object) -> None:
    if isinstance(value, dict):
        for item in value.values():
            _require_moderate(item)
    elif isinstance(value, list):
        for item in value:
            _require_moderate(item)
    elif isinstance(value, int) and abs(value) >= MAX_INTEGER:
        raise ValueError("an integer is too large")


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    fields: dict[str, Any] = {}
    for key, value in pairs:
        if key in fields:
            raise ValueError(f"key {key[:80]!r} stands there twice")
        fields[key] = value
    return fields


def to_builtins(value: object) -> Any:
    """Return `value` (a dataclass, or containers of them) as dictionaries, lists and scalars that JSON can hold."""
    import msgspec

    return msgspec.to_builtins(value, str_keys=True)


def to_json(value: object, *, indent: int = 2) -> str:
    """Return `value` (a dataclass, or containers of them) as JSON text; paths become strings."""
    import msgspec

    return msgspec.json.format(msgspec.json.encode(value, enc_hook=_path_text), indent=indent).decode()


def _path_text(value: object) -> str:
    if isinstance(value, PurePath):
        return str(value)
    raise NotImplementedError(f"{type(value).__name__} in JSON")


def _refuse_unknown(cls: object, fields: object, source: str, error: type[EdgetoolError], where: str = "") -> None:
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
