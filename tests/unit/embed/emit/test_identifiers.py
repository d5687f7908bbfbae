"""Names that C and C++ take."""

from __future__ import annotations

import pytest

from edgetool.embed.emit.identifiers import c_identifier, require_identifier
from edgetool.errors import UsageError


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("w8a8_static", "w8a8_static"),
        ("my model-v2.1", "my_model_v2_1"),
        ("8bit", "model_8bit"),
        ("int", "model_int"),
        ("__x__", "x"),
        ("模型", "model"),
        ("", "model"),
    ],
)
def test_c_identifier(text: str, name: str) -> None:
    assert c_identifier(text) == name
    assert require_identifier(c_identifier(text)) == name


@pytest.mark.parametrize("name", ["8bit", "a-b", "class", "", "_x", "a b", "x;"])
def test_require_identifier_refuses(name: str) -> None:
    with pytest.raises(UsageError, match="for example --name"):
        require_identifier(name)
