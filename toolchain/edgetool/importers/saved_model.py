"""Find code inside a SavedModel folder without TensorFlow: operators of its graphs, names in its layers' metadata.

Both files are protocol buffers. Field numbers are those of tensorflow/core/protobuf/{saved_model,meta_graph}.proto,
tensorflow/core/framework/{graph,function,node_def,op_def}.proto and tf_keras/protobuf/saved_metadata.proto.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from edgetool.bounds.memory import read_file
from edgetool.bounds.parsing import parse_json, parsing, printable
from edgetool.errors import FileFormatError, UnsupportedModelError
from edgetool.importers.allowed import graph_operators, saving_operators
from edgetool.importers.names import find_code

__all__ = ["find_saved_code"]

EXPECTED = "a sound SavedModel that Keras 2 wrote"
NEXT_STEP = "save the model again with model.save('model.keras')"

#: Metadata of a layer that is not read: the model is not compiled.
_TRAINING = "training_config"


def find_saved_code(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield (where, what) for operators and names that are not on the list.

    Raises:
        FileFormatError: damaged.
        UnsupportedModelError: graphs in a form that is not looked into.
    """
    for name in ("saved_model.pbtxt", "saved_model.cpb"):
        if (folder / name).exists():
            raise UnsupportedModelError(
                f"{folder}/{name}",
                found="a SavedModel as text or in pieces",
                expected="saved_model.pb",
                next_step=NEXT_STEP,
            )
    graphs = folder / "saved_model.pb"
    if graphs.is_file():
        with parsing(str(graphs), expected=EXPECTED, next_step=NEXT_STEP):
            named_code = list(_graph_code(read_file(graphs)))
        yield from named_code
    metadata = folder / "keras_metadata.pb"
    if metadata.is_file():
        yield from _metadata_code(metadata)


def _graph_code(content: bytes) -> Iterator[tuple[str, str]]:
    """Yield operators of all graphs and functions that are not on the list."""
    for meta_graph in _parts(content, 2):
        saving: set[str] = set()
        for graph in _parts(meta_graph, 2):
            functions = {_text(function, 1, 1): list(_parts(function, 3)) for function in _parts(graph, 2, 1)}
            # Functions that TensorFlow traces start like this; no operator of its own does.
            known = graph_operators() | {name for name in functions if name.startswith("__")}
            own = _saving_functions(functions)
            saving |= own
            for node in _parts(graph, 1):
                yield from _node_code(node, known)
            for name, nodes in functions.items():
                yield from _function_code(nodes, known, own, is_saving=name in own)
        for objects in _parts(meta_graph, 7):
            for name in saving:
                if name.encode() in objects:
                    yield printable(name), "a layer that calls a function which reads or writes files"


def _function_code(
    nodes: list[bytes], known: frozenset[str], saving: set[str], *, is_saving: bool
) -> Iterator[tuple[str, str]]:
    """Yield what a function may not hold: only those that save hold operators of saving, and no other calls them."""
    for node in nodes:
        yield from _node_code(node, known | saving_operators() if is_saving else known)
        if not is_saving and any(name.encode() in node for name in saving):
            yield printable(_text(node, 1)), "a call of a function that reads or writes files"


def _saving_functions(functions: dict[str, list[bytes]]) -> set[str]:
    """Return the functions that hold operators of saving."""
    return {
        name
        for name, nodes in functions.items()
        if any(operator in saving_operators() for node in nodes for operator in _texts(node, 2))
    }


def _node_code(node: bytes, allowed: frozenset[str]) -> Iterator[tuple[str, str]]:
    for operator in _texts(node, 2):
        if operator not in allowed:
            what = f"the operator {printable(operator)}, which is on no list of operators that only compute"
            yield printable(_text(node, 1)), what


def _metadata_code(path: Path) -> Iterator[tuple[str, str]]:
    """Yield what the layers' metadata name; each is JSON text in a node of `SavedMetadata`."""
    with parsing(str(path), expected=EXPECTED, next_step=NEXT_STEP):
        nodes = list(_parts(read_file(path), 1))
        texts = [text for node in nodes for text in _texts(node, 5)]
    for text in texts:
        fields: Any = parse_json(text, str(path), expected=EXPECTED, next_step=NEXT_STEP)
        if isinstance(fields, dict):
            fields = {key: value for key, value in fields.items() if key != _TRAINING}
        yield from find_code(fields)


def _parts(message: bytes, *numbers: int) -> Iterator[bytes]:
    """Yield the messages at a path of field numbers, every one of repeated fields."""
    messages = [message]
    for number in numbers:
        messages = [part for outer in messages for part in _fields(outer, number)]
    yield from messages


def _texts(message: bytes, number: int) -> list[str]:
    return [part.decode("utf-8", "replace") for part in _fields(message, number)]


def _text(message: bytes, *numbers: int) -> str:
    """Return the text at a path of field numbers, the last one where there are more; empty where there is none."""
    texts = list(_parts(message, *numbers))
    return texts[-1].decode("utf-8", "replace") if texts else ""


def _fields(message: bytes, wanted: int) -> Iterator[bytes]:
    """Yield the length-delimited fields of one number. Source: protobuf.dev, Encoding."""
    position, size = 0, len(message)
    while position < size:
        key, position = _varint(message, position)
        number, wire_type = key >> 3, key & 7
        if wire_type == 0:
            _, position = _varint(message, position)
        elif wire_type in (1, 5):
            position += 8 if wire_type == 1 else 4
        elif wire_type == 2:
            length, position = _varint(message, position)
            if length > size - position:
                raise _damaged("a field that ends behind the file")
            if number == wanted:
                yield message[position : position + length]
            position += length
        else:
            raise _damaged(f"a field of wire type {wire_type}")
    if position > size:
        raise _damaged("a field that ends behind the file")


def _varint(message: bytes, position: int) -> tuple[int, int]:
    """Return a number of up to 64 bits, seven in a byte, and the position behind it."""
    number = shift = 0
    while True:
        if position >= len(message) or shift > 63:
            raise _damaged("a number without an end")
        byte = message[position]
        number |= (byte & 127) << shift
        position += 1
        if byte < 128:
            return number, position
        shift += 7


def _damaged(found: str) -> FileFormatError:
    return FileFormatError("SavedModel", found=found, expected=EXPECTED, next_step=NEXT_STEP)
