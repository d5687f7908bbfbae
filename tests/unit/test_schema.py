"""Parsing at file edges: unknown keys, wrong types, bad TOML."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from edgetool.errors import MissingFileError, RecipeError
from edgetool.schema import load_json, load_toml, parse, to_builtins, to_json


@dataclass(frozen=True, slots=True)
class Inner:
    size: int
    ratio: float = 1.0


@dataclass(frozen=True, slots=True)
class Outer:
    name: str
    inner: Inner
    many: tuple[Inner, ...] = ()
    named: dict[str, Inner] = field(default_factory=dict)
    maybe: Inner | None = None


def test_parse_builds_nested_dataclasses_and_back() -> None:
    fields = {"name": "a", "inner": {"size": 3}, "many": [{"size": 1, "ratio": 2}], "maybe": {"size": 9}}
    outer = parse(Outer, fields, source="file", error=RecipeError)
    assert outer == Outer("a", Inner(3), (Inner(1, 2.0),), {}, Inner(9))
    assert parse(Outer, to_builtins(outer), source="file", error=RecipeError) == outer
    assert '"size": 3' in to_json(outer)


def test_paths_become_strings_in_json_and_nothing_else_does() -> None:
    assert '"folder": "a/b"' in to_json({"folder": Path("a") / "b"})
    with pytest.raises(NotImplementedError, match="object"):
        to_json({"odd": object()})


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"nam": "a", "inner": {"size": 1}}, "'nam'"),
        ({"name": "a", "inner": {"siz": 1}}, "'inner.siz'"),
        ({"name": "a", "inner": {"size": 1}, "many": [{"sise": 1}]}, "'many[0].sise'"),
        ({"name": "a", "inner": {"size": 1}, "named": {"x": {"sise": 1}}}, "'named.x.sise'"),
        ({"name": "a", "inner": {"size": 1}, "maybe": {"sise": 1}}, "'maybe.sise'"),
    ],
)
def test_an_unknown_key_is_refused_with_its_path_and_the_nearest_name(fields: dict[str, object], path: str) -> None:
    with pytest.raises(RecipeError) as caught:
        parse(Outer, fields, source="file", error=RecipeError)
    assert path in caught.value.found
    assert "did you mean" in caught.value.next_step


def test_a_wrong_type_names_where_it_is() -> None:
    with pytest.raises(RecipeError) as caught:
        parse(Outer, {"name": "a", "inner": {"size": "three"}}, source="file", error=RecipeError)
    assert "$.inner.size" in caught.value.found


def test_load_toml_errors(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError):
        load_toml(tmp_path / "none.toml", error=RecipeError)
    bad = tmp_path / "bad.toml"
    bad.write_text("a = [")
    with pytest.raises(RecipeError, match="invalid TOML"):
        load_toml(bad, error=RecipeError)


HOSTILE_JSON = {
    "deep": "[" * 200_000,
    "deep and whole": "[" * 100_000 + "]" * 100_000,
    "infinite": '{"a": 1e999}',
    "infinite constant": '{"a": Infinity}',
    "not a number": '{"a": NaN}',
    "huge integer": '{"a": 1' + "0" * 5000 + "}",
    "large integer": '{"a": 18446744073709551616}',
    "twice": '{"a": 1, "a": 2}',
    "half a surrogate": '{"a": "\\ud800"}',
    "cut": '{"a": ',
    "nothing": "",
}


@pytest.mark.parametrize("name", HOSTILE_JSON)
def test_json_that_no_program_should_believe_is_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / "manifest.json"
    path.write_text(HOSTILE_JSON[name])
    with pytest.raises(RecipeError, match=r"manifest\.json: no valid JSON"):
        load_json(path, error=RecipeError)


def test_plain_json_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text('{"a": [1, -2.5e3, null, true], "b": {"a": "\\u00e9\\ud83d\\ude00"}}')
    assert load_json(path, error=RecipeError) == {"a": [1, -2500.0, None, True], "b": {"a": "é😀"}}
    with pytest.raises(MissingFileError):
        load_json(tmp_path / "none.json", error=RecipeError)


@pytest.mark.parametrize(
    "text", ["a = " + "[" * 5000 + "]" * 5000, "a = inf", "a = nan", "a = 1e999", "a = 18446744073709551616", "a = [1"]
)
def test_toml_that_no_program_should_believe_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "recipe.toml"
    path.write_text(text)
    with pytest.raises(RecipeError, match=r"recipe\.toml"):
        load_toml(path, error=RecipeError)
