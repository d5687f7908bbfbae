"""Names that are valid in C and C++."""

from __future__ import annotations

import re

from edgetool.errors import UsageError

__all__ = ["c_identifier", "require_identifier"]

#: Keywords of C11 and C++17 that a lower-case name could collide with, `main`, and namespaces.
KEYWORDS = frozenset(
    (
        "alignas",
        "alignof",
        "and",
        "asm",
        "auto",
        "bitand",
        "bitor",
        "bool",
        "break",
        "case",
        "catch",
        "char",
        "class",
        "const",
        "constexpr",
        "continue",
        "decltype",
        "default",
        "delete",
        "do",
        "double",
        "else",
        "enum",
        "explicit",
        "export",
        "extern",
        "false",
        "float",
        "for",
        "friend",
        "goto",
        "if",
        "inline",
        "int",
        "long",
        "mutable",
        "namespace",
        "new",
        "noexcept",
        "not",
        "nullptr",
        "operator",
        "or",
        "private",
        "protected",
        "public",
        "register",
        "restrict",
        "return",
        "short",
        "signed",
        "sizeof",
        "static",
        "struct",
        "switch",
        "template",
        "this",
        "throw",
        "true",
        "try",
        "typedef",
        "typeid",
        "typename",
        "union",
        "unsigned",
        "using",
        "virtual",
        "void",
        "volatile",
        "while",
        "xor",
        "main",
        "std",
        "tflite",
    )
)


def c_identifier(text: str) -> str:
    """Turn any text into an identifier: other characters become underscores; a digit or keyword gets `model_`."""
    name = re.sub(r"_+", "_", re.sub(r"[^0-9A-Za-z_]", "_", text)).strip("_").lower()
    if not name or name[0].isdigit() or name in KEYWORDS:
        name = f"model_{name}".rstrip("_")
    return name


def require_identifier(name: str) -> str:
    """Return `name` if it is an identifier of C and C++.

    Raises:
        UsageError: it is not, or it is a keyword.
    """
    if not re.fullmatch(r"[A-Za-z][0-9A-Za-z_]*", name) or name in KEYWORDS:
        raise UsageError(
            f"--name {name}",
            found="no identifier of C",
            expected="letters, digits and underscores, a letter first, no keyword",
            next_step=f"for example --name {c_identifier(name)}",
        )
    return name
