"""Options of custom operators, which most keep as a FlexBuffers map."""

from __future__ import annotations

import contextlib

from edgetool.bounds.parsing import parsing
from edgetool.errors import FileFormatError

__all__ = ["custom_options"]

#: More options, or longer ones, are of no operator that is known here.
MAX_OPTIONS, MAX_BYTES = 64, 1 << 14


def custom_options(content: bytes) -> dict[str, int | float]:
    """Return the options that are numbers; none where the bytes are not such a map, as an operator may have its own."""
    from flatbuffers import flexbuffers

    found: dict[str, int | float] = {}
    if len(content) > MAX_BYTES:
        return found
    with contextlib.suppress(FileFormatError), parsing("options", expected="a map", next_step="none"):
        root = flexbuffers.GetRoot(bytearray(content))
        if not root.IsMap or not 0 < len(root.AsMap) <= MAX_OPTIONS:
            return found
        keys, values = root.AsMap.Keys, root.AsMap.Values
        for index in range(len(keys)):
            value = values[index]
            if value.IsFloat:
                found[keys[index].AsKey] = float(value.AsFloat)
            elif value.IsInt or value.IsBool:
                found[keys[index].AsKey] = int(value.AsInt)
    return found
