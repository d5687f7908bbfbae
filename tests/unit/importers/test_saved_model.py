"""Operators and names inside a SavedModel are judged from its protocol buffers, without TensorFlow."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from edgetool.errors import FileFormatError, UnsupportedModelError
from edgetool.importers.saved_model import find_saved_code


def varint(number: int) -> bytes:
    parts = bytearray()
    while number > 127:
        parts.append(number & 127 | 128)
        number >>= 7
    return bytes([*parts, number])


def field(number: int, content: bytes | str) -> bytes:
    raw = content.encode() if isinstance(content, str) else content
    return varint(number << 3 | 2) + varint(len(raw)) + raw


def node(operator: str, name: str = "n", calls: str = "") -> bytes:
    attribute = field(5, field(1, "f") + field(2, field(10, field(1, calls)))) if calls else b""
    return field(1, name) + field(2, operator) + varint(3 << 3) + varint(300) + attribute


def function(name: str, *nodes: bytes) -> bytes:
    return field(1, field(1, field(1, name)) + b"".join(field(3, item) for item in nodes))


def folder(path: Path, *, nodes: tuple[bytes, ...] = (), functions: bytes = b"", objects: bytes = b"") -> Path:
    graph = b"".join(field(1, item) for item in nodes) + field(2, functions)
    (path / "saved_model.pb").write_bytes(field(2, field(2, graph) + field(7, objects)))
    return path


def with_metadata(path: Path, fields: Any) -> Path:
    text = fields if isinstance(fields, str) else json.dumps(fields)
    (path / "keras_metadata.pb").write_bytes(field(1, field(4, "_tf_keras_layer") + field(5, text)))
    return path


@pytest.mark.parametrize(
    ("operator", "harmless"),
    [
        ("MatMul", True),
        ("StatefulPartitionedCall", True),
        ("EagerPyFunc", False),
        ("PyFuncStateless", False),
        ("ReadFile", False),
        ("_ReadFile", False),
        ("WriteFile", False),
        ("SaveV2", False),
        ("RestoreV2", False),
        ("LookupTableImportV2", False),
        ("NewOperatorOfTomorrow", False),
    ],
)
def test_operators_of_graphs_and_functions(operator: str, harmless: bool, tmp_path: Path) -> None:
    found = list(find_saved_code(folder(tmp_path, nodes=(node(operator, "layer/op"),))))
    assert found == [] if harmless else found[0][0] == "layer/op"
    if operator not in ("SaveV2", "RestoreV2"):
        inside = folder(tmp_path, functions=function("__inference_call_1", node("Relu"), node(operator, "deep")))
        assert (list(find_saved_code(inside)) == []) == harmless


def test_functions_that_save_are_for_the_saver_alone(tmp_path: Path) -> None:
    saver = function("__inference__traced_save_5", node("SaveV2"), node("MergeV2Checkpoints"))
    calls = node("StatefulPartitionedCall", "call", calls="__inference__traced_save_5")
    assert list(find_saved_code(folder(tmp_path, nodes=(calls,), functions=saver))) == []
    layer = function("__inference_dense_1", calls)
    assert list(find_saved_code(folder(tmp_path, functions=saver + layer)))
    assert list(find_saved_code(folder(tmp_path, functions=saver, objects=b"..__inference__traced_save_5..")))


def test_no_function_hides_an_operator_of_its_name(tmp_path: Path) -> None:
    hidden = function("WriteFile", node("Relu"))
    assert list(find_saved_code(folder(tmp_path, nodes=(node("WriteFile"),), functions=hidden)))


@pytest.mark.parametrize(
    ("fields", "harmless"),
    [
        ({"class_name": "Dense", "config": {"name": "LambdaNet"}}, True),
        ({"class_name": "Dense", "config": {}, "training_config": {"loss": {"class_name": "Mine"}}}, True),
        ({"class_name": "Lambda", "config": {}}, False),
        (r'{"class_name": "\u004cambda", "config": {}}', False),
        ({"class_name": "Mine", "config": {}}, False),
    ],
)
def test_names_in_the_metadata_of_layers(fields: Any, harmless: bool, tmp_path: Path) -> None:
    assert (list(find_saved_code(with_metadata(folder(tmp_path), fields))) == []) == harmless


@pytest.mark.parametrize("content", [b"\x0a", b"\x0a\xff\x01", b"\x0b\x00", b"\xff" * 12, b"\x12\x03abc"])
def test_damage(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "saved_model.pb").write_bytes(content)
    with pytest.raises(FileFormatError):
        list(find_saved_code(tmp_path))


def test_other_forms_are_refused(tmp_path: Path) -> None:
    (folder(tmp_path) / "saved_model.pbtxt").write_text("")
    with pytest.raises(UnsupportedModelError, match="pbtxt"):
        list(find_saved_code(tmp_path))
