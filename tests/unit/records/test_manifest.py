"""The schema's version changes with the records, and failures are told in order."""

from __future__ import annotations

import dataclasses
import hashlib
import typing
from pathlib import Path

import pytest

from edgetool.errors import ExportError
from edgetool.records import SCHEMA_VERSION, FailureRecord, Manifest, failures_of
from edgetool.store.manifest_io import load_manifest

GOLDEN = Path(__file__).parents[2] / "golden" / "report"

#: Schema version -> digest of every record's fields and their types, as `schema_digest` gives it. A record that changes
#: needs a new version, and so a new line here: a digest of a released version is never replaced.
DIGESTS = {2: "ec16a51859ecb103", 3: "c7afd51ca68c8cab"}


def dataclasses_in(annotation: object) -> set[type]:
    """Return the dataclasses that a type names, at any depth of `tuple[...]`, `dict[...]` and unions."""
    if isinstance(annotation, type) and dataclasses.is_dataclass(annotation):
        return {annotation}
    return {cls for argument in typing.get_args(annotation) for cls in dataclasses_in(argument)}


def schema_lines(root: type) -> list[str]:
    """Return a line for each field of `root` and of every dataclass that its fields lead to."""
    lines: list[str] = []
    waiting, seen = [root], {root}
    while waiting:
        record = waiting.pop()
        for name, annotation in typing.get_type_hints(record).items():
            lines.append(f"{record.__name__}.{name}: {annotation}")
            reached = dataclasses_in(annotation) - seen
            seen |= reached
            waiting += reached
    return sorted(lines)


def schema_digest(root: type) -> str:
    """Return a digest of the fields' names and types, whatever order they stand in."""
    return hashlib.sha256("\n".join(schema_lines(root)).encode()).hexdigest()[:16]


def test_the_schema_version_changes_with_the_records() -> None:
    found = schema_digest(Manifest)
    assert DIGESTS.get(SCHEMA_VERSION) == found, (
        f"the records changed: raise SCHEMA_VERSION in records/manifest.py, and add {{version: {found!r}}} to DIGESTS"
    )


def test_the_newest_version_is_the_one_that_is_written() -> None:
    assert max(DIGESTS) == SCHEMA_VERSION
    assert len(set(DIGESTS.values())) == len(DIGESTS)


@dataclasses.dataclass(frozen=True)
class Inner:
    value: int


@dataclasses.dataclass(frozen=True)
class Renamed:
    size: int


@dataclasses.dataclass(frozen=True)
class Retyped:
    value: float


def outer(inner: type) -> type:
    """Return a record that holds `inner` inside containers."""
    return dataclasses.make_dataclass("Outer", [("parts", dict[str, tuple[inner, ...] | None])])  # type: ignore[valid-type]


@pytest.mark.parametrize("other", [Renamed, Retyped])
def test_a_field_deep_inside_changes_the_digest(other: type) -> None:
    assert schema_digest(outer(Inner)) == schema_digest(outer(Inner))
    assert schema_digest(outer(Inner)) != schema_digest(outer(other))


def test_failures_come_in_the_order_of_the_recipes() -> None:
    manifest = load_manifest(GOLDEN)
    first, *_, last = manifest.recipes
    error = ExportError("m", found="a", expected="b", next_step="c")
    failures = tuple(FailureRecord.of(error, stage="export", recipe=name, format="onnx") for name in (last, first))
    failed = dataclasses.replace(manifest, failures=failures)
    names = [failure.name for failure in failures_of(failed)]
    assert names.index(f"{first}.onnx") < names.index(f"{last}.onnx")
