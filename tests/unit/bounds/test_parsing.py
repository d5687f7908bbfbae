"""Whatever a parser raises becomes one error, and text of a file one harmless line."""

from __future__ import annotations

import tokenize

import pytest

from edgetool.bounds.parsing import parse_json, parsing, printable
from edgetool.errors import DataError, FileFormatError


class OddError(Exception):
    """An error of a library that has no other base."""


@pytest.mark.parametrize(
    "error", [tokenize.TokenError("EOF"), SyntaxError(), MemoryError(), OddError("x"), RecursionError()]
)
def test_every_exception_becomes_damage(error: Exception) -> None:
    with (
        pytest.raises(FileFormatError, match=r"m: .*expected a model; save it again"),
        parsing("m", expected="a model", next_step="save it again"),
    ):
        raise error


def test_errors_of_edgetool_pass() -> None:
    with pytest.raises(DataError), parsing("m", expected="a", next_step="b"):
        raise DataError("d", found="f", expected="e", next_step="n")


@pytest.mark.parametrize("text", ["{", "", "[" * 100_000, b"\xff\xff"])
def test_json_that_is_none(text: str | bytes) -> None:
    with pytest.raises(FileFormatError):
        parse_json(text, "m", expected="JSON", next_step="save it again")


def test_text_is_made_printable() -> None:
    assert printable("a\x1b[2J\n b\u202ec") == "a [2J b c"
    assert len(printable("x" * 5000)) == 200
