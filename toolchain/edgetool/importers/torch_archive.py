"""Find code inside a `.pt2` archive, and leave it out, before torch reads anything of it.

`torch.export.load` (torch 2.13) unpickles sample inputs, tensor subclasses and custom objects, loads compiled
libraries, resolves operators by name anywhere in `torch`, and the program's module runs the strings of `guards_code`
with `exec`. So the archive is written anew from what was checked here: operators of known namespaces, plain names and
sizes, plain weights.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

from edgetool.bounds.archive import open_archive
from edgetool.bounds.memory import MODEL_BYTES
from edgetool.bounds.parsing import parse_json, parsing
from edgetool.errors import FileFormatError, UnsupportedModelError, UntrustedModelError

__all__ = ["PLAIN_ENTRY", "read_program"]

EXPECTED = "a program that torch.export.save wrote"

#: Entries of an archive that hold no code, below its one folder; the sample inputs are left out.
PLAIN_ENTRY = re.compile(
    r"archive_format|archive_version|byteorder|version|\.data/\w+|extra/.*|models/model\.json"
    r"|data/sample_inputs/model\.pt"
    r"|data/weights/(weight_\d+|model_weights_config\.json)|data/constants/(tensor_\d+|model_constants_config\.json)"
)
_LEFT_OUT = ("data/sample_inputs/", "extra/")

_OPERATOR = re.compile(
    r"torch\.ops\.(aten|prim)\.(?!__|from_file|save|wait|fork|PythonOp|Print)\w+(\.(?!__)\w+)?|torch\.sym_\w+"
    r"|torch\.ops\.higher_order\.(cond|while_loop|wrap_with_set_grad_enabled|wrap_with_autocast)"
    r"|math\.[a-z]\w*|_operator\."
    r"(add|sub|mul|floordiv|truediv|mod|neg|pow|eq|ne|lt|le|gt|ge|getitem|and_|or_|not_|xor|lshift|rshift)"
)
#: Names become Python identifiers of generated code.
_NAME = re.compile(r"[\w.]*")
#: What sizes are made of, as sympy writes them: `Add(Symbol('s0', integer=True), Integer(1))`.
_FUNCTIONS = frozenset(
    {
        "Symbol",
        "Integer",
        "Float",
        "Rational",
        "Add",
        "Mul",
        "Pow",
        "Max",
        "Min",
        "Mod",
        "FloorDiv",
        "CeilDiv",
        "CleanDiv",
        "PythonMod",
        "IntTrueDiv",
        "true",
        "false",
        "Eq",
        "Ne",
        "Lt",
        "Le",
        "Gt",
        "Ge",
        "Equality",
        "Unequality",
        "StrictLessThan",
        "LessThan",
        "StrictGreaterThan",
        "GreaterThan",
    }
)
_SYNTAX = (
    ast.Expression,
    ast.Call,
    ast.keyword,
    ast.Name,
    ast.Load,
    ast.Constant,
    ast.BinOp,
    ast.UnaryOp,
    ast.operator,
    ast.unaryop,
    ast.Compare,
    ast.cmpop,
)


def read_program(path: Path) -> dict[str, bytes]:
    """Return the entries of an archive that hold a program and no code, by name below the archive's folder.

    Raises:
        FileFormatError: damaged.
        UnsupportedModelError: several programs, or a format of before torch 2.8.
        UntrustedModelError: pickles, compiled code, or operators and expressions that are not plain; names them.
    """
    with open_archive(path, free=MODEL_BYTES, expected=EXPECTED) as archive:
        names = archive.names
        entries = {name.partition("/")[2]: archive.read(name) for name in names}
    if len(entries) < len(names):
        raise _damaged(path, "entries of one name in several folders")
    if "serialized_exported_program.json" in names:
        raise UnsupportedModelError(
            str(path),
            found="a program of torch 2.7 or older, which holds its weights as a pickle",
            expected="one that torch 2.8 or newer saved",
            next_step="load it where it was made and save it again with a newer torch.export.save",
        )
    _require_plain_entries(path, entries)
    with parsing(str(path), expected=EXPECTED, next_step="save it again"):
        program = _parse(path, entries, "models/model.json")
        for kind in ("weights", "constants"):
            _require_plain_tensors(path, _parse(path, entries, f"data/{kind}/model_{kind}_config.json"))
        _check(path, program)
    kept = {name: content for name, content in entries.items() if not name.startswith(_LEFT_OUT)}
    kept["models/model.json"] = json.dumps(program).encode()
    return kept


def _require_plain_entries(path: Path, entries: dict[str, bytes]) -> None:
    for name in entries:
        if PLAIN_ENTRY.fullmatch(name):
            continue
        if name.startswith("models/"):
            raise UnsupportedModelError(
                str(path), found=f"the program {name}", expected="one program called 'model'", next_step="save it alone"
            )
        _untrusted(path, name, "a library or a pickle, which runs code when it is loaded")


def _require_plain_tensors(path: Path, config: Mapping[str, Mapping[str, Mapping[str, object]]]) -> None:
    """Refuse tensors and objects that are stored as pickles."""
    for name, entry in config.get("config", {}).items():
        stored = str(entry.get("path_name", ""))
        if entry.get("use_pickle") or not re.fullmatch(r"(weight|tensor)_\d+", stored):
            _untrusted(path, str(name), f"an object stored as a pickle ({stored})")


def _parse(path: Path, entries: dict[str, bytes], name: str) -> dict[str, Any]:
    if name not in entries:
        raise _damaged(path, f"no {name}")
    parsed = parse_json(entries[name], f"{path}: {name}", expected=EXPECTED, next_step="save it again")
    if not isinstance(parsed, dict):
        raise _damaged(path, f"{name} holds a {type(parsed).__name__}")
    return parsed


def _check(path: Path, value: object, key: str = "") -> None:
    """Check every string that torch would resolve, evaluate or write into code; what it need not have is emptied."""
    if isinstance(value, dict):
        if "__enum__" in value:
            _untrusted(path, key, "a type of another module")
        for name, item in value.items():
            if name == "guards_code":
                value[name] = []
            elif name == "metadata":
                value[name] = {}
            else:
                _check(path, item, str(name))
    elif isinstance(value, list):
        for item in value:
            _check(path, item, key)
    elif isinstance(value, str):
        _check_text(path, value, key)


def _check_text(path: Path, text: str, key: str) -> None:
    if key in ("target", "as_operator") and not _OPERATOR.fullmatch(text):
        _untrusted(path, text[:80], "an operator outside torch.ops.aten")
    if (key == "name" or key.endswith("_name")) and not _NAME.fullmatch(text):
        _untrusted(path, text[:80], "a name that is no identifier")
    if key == "expr_str" and not _is_plain(text):
        _untrusted(path, text[:80], "a size that is no plain expression")
    if key in ("in_spec", "out_spec") and "__enum__" in text:
        _untrusted(path, text[:80], "a type of another module")


def _is_plain(expression: str) -> bool:
    """Tell an expression of known functions, symbols and numbers."""
    try:
        nodes = list(ast.walk(ast.parse(expression, mode="eval")))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    for node in nodes:
        if not isinstance(node, _SYNTAX):
            return False
        if isinstance(node, ast.Name) and node.id not in _FUNCTIONS and not re.fullmatch(r"[a-z]\d+", node.id):
            return False
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and not re.fullmatch(r"[\w./-]*", node.value):
            return False
    return True


def _untrusted(path: Path, where: str, found: str) -> NoReturn:
    raise UntrustedModelError(
        f"{path}: {where}",
        found=found,
        expected="a program of torch's own operators with plain weights",
        next_step="give --trust if you know who made the file",
    )


def _damaged(path: Path, found: str) -> FileFormatError:
    return FileFormatError(
        str(path),
        found=f"a damaged archive ({found})",
        expected=EXPECTED,
        next_step="save it again",
    )
