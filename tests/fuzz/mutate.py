"""Ways to damage a file: its bytes, the members of its archive, its JSON, its text."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Callable
from typing import Any

import numpy as np

Random = np.random.Generator

#: What stands where lengths, counts, offsets and shapes stand.
NUMBERS = (
    0,
    1,
    2,
    127,
    255,
    256,
    2**15 - 1,
    2**16 - 1,
    2**16,
    2**31 - 1,
    2**31,
    2**32 - 1,
    2**40,
    2**63 - 1,
    2**64 - 1,
)

#: Text that takes the place of a value in JSON, TOML and tables.
VALUES = (
    "0",
    "-1",
    "1e999",
    "-1e999",
    "NaN",
    "Infinity",
    "nan",
    "inf",
    "null",
    "true",
    '""',
    "[]",
    "{}",
    '"\\u0000"',
    '"\\ud800"',
    '"../../etc/passwd"',
    '"/etc/passwd"',
    "[[[]]]",
    '{"a": {"b": []}}',
    "9" * 400,
    "1" + "0" * 5000,
    "0." + "1" * 400,
    '"' + "x" * 70_000 + '"',
    "[" * 3000 + "]" * 3000,
    '{"a":' * 3000 + "1" + "}" * 3000,
    "1979-05-27T07:32:00Z",
    "0x7fffffffffffffffffff",
    "'",
    '"',
    "{",
    "[",
    ",",
    "\x00",
    "\x1b[2J",
    "",
    "-0.0",
    "1e-400",
)

_VALUE = re.compile(rb'-?\d[\d.eE+-]*|true|false|null|"(?:[^"\\]|\\.){0,80}"')


def mutate(content: bytes, random: Random, others: list[bytes]) -> bytes:
    """Return `content` damaged in one or two of the ways that fit it; the same for the same state of `random`.

    Args:
        content: a sound file.
        random: the source of all choices.
        others: sound files of the same kind, to splice with.
    """
    for _ in range(1 + int(random.random() < 0.2)):
        content = _choose(content, random)(content, random, others)
    return content


def _choose(content: bytes, random: Random) -> Callable[[bytes, Random, list[bytes]], bytes]:
    ways: list[Callable[[bytes, Random, list[bytes]], bytes]] = [flip, truncate, splice, repeat, cut, zero, number]
    if content.startswith(b"PK\x03\x04"):
        ways += [member] * 7
    elif content.startswith(b"\x89HDF"):
        ways += [attribute] * 3
    elif content.lstrip()[:1] in (b"{", b"["):
        ways = [flip, truncate, *[value] * 4, *[structure] * 4, *[twice] * 2]
    elif b"\x00" not in content[:200]:
        ways = [flip, truncate, splice, cut, *[value] * 6, *[line] * 4]
    return ways[int(random.integers(len(ways)))]


def flip(content: bytes, random: Random, _: list[bytes]) -> bytes:
    data = np.frombuffer(content, np.uint8).copy()
    if data.size:
        where = random.integers(0, data.size, int(random.integers(1, 9)))
        data[where] ^= (1 << random.integers(0, 8, where.size)).astype(np.uint8)
    return data.tobytes()


def truncate(content: bytes, random: Random, _: list[bytes]) -> bytes:
    return content[: int(random.integers(len(content) + 1))]


def splice(content: bytes, random: Random, others: list[bytes]) -> bytes:
    other = others[int(random.integers(len(others)))]
    return content[: int(random.integers(len(content) + 1))] + other[int(random.integers(len(other) + 1)) :]


def repeat(content: bytes, random: Random, _: list[bytes]) -> bytes:
    start, end = sorted(int(place) for place in random.integers(0, len(content) + 1, 2))
    return content[:end] + content[start:end][:4096] * int(random.integers(1, 5)) + content[end:]


def cut(content: bytes, random: Random, _: list[bytes]) -> bytes:
    start = int(random.integers(len(content) + 1))
    return content[:start] + content[start + int(random.integers(1, 64)) :]


def zero(content: bytes, random: Random, _: list[bytes]) -> bytes:
    start = int(random.integers(len(content) + 1))
    return content[:start] + bytes(min(64, len(content) - start)) + content[start + 64 :]


def number(content: bytes, random: Random, _: list[bytes]) -> bytes:
    """Put a number that is odd as a length, a count or an offset somewhere, mostly near one of the ends."""
    width = int(random.choice([1, 2, 4, 8]))
    chosen = NUMBERS[int(random.integers(len(NUMBERS)))] & ((1 << 8 * width) - 1)
    span = len(content) if random.random() < 0.4 else min(len(content), 400)
    start = int(random.integers(span + 1))
    if random.random() < 0.5:
        start = max(0, len(content) - start - width)
    return content[:start] + chosen.to_bytes(width, str(random.choice(["little", "big"]))) + content[start + width :]  # type: ignore[arg-type]


def member(content: bytes, random: Random, others: list[bytes]) -> bytes:
    """Damage one member of a zip archive and pack it soundly again, so that its parser gets to see it."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            parts = [(name, archive.read(name)) for name in archive.namelist()]
    except Exception:  # noqa: BLE001 - a second mutation of what is no archive any more
        return flip(content, random, others)
    if not parts:
        return content
    chosen = int(random.integers(len(parts)))
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for index, (name, part) in enumerate(parts):
            archive.writestr(name, mutate(part, random, [part]) if index == chosen else part)
    return out.getvalue()


def attribute(content: bytes, random: Random, others: list[bytes]) -> bytes:
    """Damage the configuration in an HDF5 file."""
    import h5py

    stream = io.BytesIO(content)
    try:
        with h5py.File(stream, "r+") as store:
            text = store.attrs["model_config"]
            raw = text.encode() if isinstance(text, str) else bytes(text)
            store.attrs["model_config"] = (
                np.void(mutate(raw, random, [raw]) or b"x")
                if random.random() < 0.1
                else (mutate(raw, random, [raw]).decode("utf-8", "replace").replace("\x00", " "))
            )
    except Exception:  # noqa: BLE001 - a second mutation of what is no HDF5 file any more
        return flip(content, random, others)
    return stream.getvalue()


def value(content: bytes, random: Random, _: list[bytes]) -> bytes:
    """Put odd text in the place of a number, a word or a string."""
    places = list(_VALUE.finditer(content[:200_000]))
    if not places:
        return content
    place = places[int(random.integers(len(places)))]
    odd = VALUES[int(random.integers(len(VALUES)))].encode("utf-8")
    return content[: place.start()] + odd + content[place.end() :]


def line(content: bytes, random: Random, _: list[bytes]) -> bytes:
    """Take a line out, write it twice, or put it elsewhere."""
    lines = content.split(b"\n")
    chosen, other = int(random.integers(len(lines))), int(random.integers(len(lines)))
    taken = lines[chosen]
    if random.random() < 0.6:
        del lines[chosen]
    if random.random() < 0.7:
        lines.insert(other, taken)
    return b"\n".join(lines)


def structure(content: bytes, random: Random, others: list[bytes]) -> bytes:
    """Take an entry out of JSON, give it another key, or another entry's value."""
    try:
        root: Any = json.loads(content)
    except (ValueError, RecursionError):
        return value(content, random, others)
    nodes: list[Any] = []
    waiting = [root]
    while waiting:
        node = waiting.pop()
        children = list(node.values()) if isinstance(node, dict) else node if isinstance(node, list) else []
        if children:
            nodes.append(node)
        waiting.extend(children)
    if not nodes:
        return content
    node, other = nodes[int(random.integers(len(nodes)))], nodes[int(random.integers(len(nodes)))]
    keys = list(node) if isinstance(node, dict) else list(range(len(node)))
    key = keys[int(random.integers(len(keys)))]
    way = int(random.integers(3))
    if way == 0:
        del node[key]
    elif way == 1 and isinstance(node, dict):
        node[str(random.choice(["", "__class__", "class_name", "config", "name", "shape"]))] = node.pop(key)
    else:
        node[key] = json.loads(json.dumps(other))
    return json.dumps(root).encode()


def twice(content: bytes, random: Random, others: list[bytes]) -> bytes:
    """Give a JSON object a key twice."""
    places = list(re.finditer(rb'\{"(\w+)":', content[:200_000]))
    if not places:
        return value(content, random, others)
    place = places[int(random.integers(len(places)))]
    odd = VALUES[int(random.integers(12))].encode()
    return content[: place.start() + 1] + b'"' + place[1] + b'": ' + odd + b", " + content[place.start() + 1 :]
