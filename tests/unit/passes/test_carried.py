"""Arguments of calls are kept with a place for each tensor."""

from __future__ import annotations

from edgetool.passes.carried import Place, fill_in, register


def test_every_tensor_comes_back_to_its_place() -> None:
    arguments = ((Place(1), slice(None, Place(0))), {"xs": [Place(0), 2.0], "axis": None})
    assert fill_in(arguments, ["a", "b"]) == (("b", slice(None, "a")), {"xs": ["a", 2.0], "axis": None})


def test_keys_are_readable_and_differ() -> None:
    first, second = register(1, "add"), register(1, "add")
    assert first.startswith("add#") and first != second
