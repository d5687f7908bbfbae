"""Tables for every format."""

from __future__ import annotations

from edgetool.report.table import NONE, Cell, Table, heads, num, text


def test_cells() -> None:
    assert text("") is NONE and num("1", None) is NONE
    assert num("1.0", 1.0) == Cell("1.0")
    assert [(column.title, column.numeric) for column in heads(["Name", "#Bytes"])] == [
        ("Name", False),
        ("Bytes", True),
    ]


def test_columns_without_a_word_go() -> None:
    table = Table("t", "", heads(["Name", "#a", "#b"]), ((Cell("x"), NONE, Cell("1")), (Cell("y"), NONE, NONE)))
    kept = table.without_empty_columns()
    assert [column.title for column in kept.columns] == ["Name", "b"]
    assert kept.rows == ((Cell("x"), Cell("1")), (Cell("y"), NONE))
