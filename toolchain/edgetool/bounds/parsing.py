"""Whatever a parser raises on foreign bytes becomes one error that names the file."""

from __future__ import annotations

import contextlib
import json
import unicodedata
from collections.abc import Iterator
from typing import Any

from edgetool.errors import EdgetoolError, FileFormatError

__all__ = ["parse_json", "parsing", "printable"]

#: Text from a file is cut off here in messages.
SHOWN_CHARACTERS = 200

#: Parsed JSON takes tens of bytes for each of its own; no configuration or graph comes near this.
MAX_JSON_BYTES = 64 << 20


@contextlib.contextmanager
def parsing(subject: str, *, expected: str, next_step: str) -> Iterator[None]:
    """Turn every exception inside into a `FileFormatError`: parsers raise anything on damaged bytes.

    `zipfile` alone raises five kinds, NumPy's header parser `tokenize.TokenError`, Pillow `SyntaxError`. Only parsers
    belong inside, because a defect of edgetool would pass as damage.

    Args:
        subject: the file, and where in it.
        expected: what the file should have been.
        next_step: what to do about it.

    Raises:
        FileFormatError: something other than an `EdgetoolError` was raised.
    """
    try:
        yield
    except EdgetoolError:
        raise
    except RecursionError:
        raise FileFormatError(
            subject, found="contents that are nested too deep", expected=expected, next_step=next_step
        ) from None
    except Exception as exc:  # noqa: BLE001 - see above
        what = f"{type(exc).__name__}: {printable(str(exc))}" if str(exc) else type(exc).__name__
        raise FileFormatError(
            subject, found=f"a damaged file ({what})", expected=expected, next_step=next_step
        ) from None


def parse_json(content: str | bytes, subject: str, *, expected: str, next_step: str) -> Any:
    """Return what JSON text holds.

    Raises:
        FileFormatError: it is no JSON, nested too deep, or absurdly long.
    """
    if len(content) > MAX_JSON_BYTES:
        raise FileFormatError(subject, found=f"JSON of {len(content):,} bytes", expected=expected, next_step=next_step)
    with parsing(subject, expected=expected, next_step=next_step):
        return json.loads(content)


def printable(text: object) -> str:
    """Return text from a file as one short line without control characters, which a terminal would obey."""
    line = " ".join(str(text)[: 4 * SHOWN_CHARACTERS].split())
    clean = "".join(" " if unicodedata.category(character).startswith("C") else character for character in line)
    return clean if len(clean) <= SHOWN_CHARACTERS else clean[: SHOWN_CHARACTERS - 3] + "..."
