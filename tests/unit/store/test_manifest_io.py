"""Manifests that cannot be read."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edgetool.errors import ManifestError, MissingFileError
from edgetool.store.manifest_io import (
    MANIFEST_NAME,
    load_manifest,
    load_whole_manifest,
    require_recorded,
    save_manifest,
)

GOLDEN = Path(__file__).parents[2] / "golden" / "report"


def test_what_was_written_is_read_back(tmp_path: Path) -> None:
    manifest = load_manifest(GOLDEN)
    assert manifest.artifacts
    save_manifest(tmp_path, manifest)
    assert load_manifest(tmp_path) == manifest


def test_no_manifest(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError):
        load_manifest(tmp_path)


@pytest.mark.parametrize("content", ["{", "[]", "\udcff"])
def test_damaged(tmp_path: Path, content: str) -> None:
    (tmp_path / MANIFEST_NAME).write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(ManifestError):
        load_manifest(tmp_path)


def test_another_version(tmp_path: Path) -> None:
    fields = json.loads((GOLDEN / MANIFEST_NAME).read_text())
    (tmp_path / MANIFEST_NAME).write_text(json.dumps({**fields, "schema_version": 99}))
    with pytest.raises(ManifestError, match="99"):
        load_manifest(tmp_path)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run folder with the first artefact of the golden run, of which the bytes are there."""
    manifest = load_manifest(GOLDEN)
    record = manifest.artifacts[0]
    content = b"the bytes of a model"
    file = dataclasses.replace(record.artifact, digest=hashlib.sha256(content).hexdigest())
    (tmp_path / "artifacts").mkdir()
    (tmp_path / file.path).write_bytes(content)
    save_manifest(tmp_path, dataclasses.replace(manifest, artifacts=(dataclasses.replace(record, artifact=file),)))
    return tmp_path


def rewrite(run: Path, change: Callable[[Any], None]) -> None:
    fields = json.loads((run / MANIFEST_NAME).read_text())
    change(fields)
    (run / MANIFEST_NAME).write_text(json.dumps(fields))


@pytest.mark.parametrize("path", ["/etc/passwd", "../outside.onnx", "artifacts/../../outside.onnx", "", "a\0b"])
def test_an_artefact_outside_of_the_folder_is_refused(run: Path, path: str) -> None:
    def move(fields: Any) -> None:
        fields["artifacts"][0]["artifact"]["path"] = path

    rewrite(run, move)
    with pytest.raises(ManifestError, match="not in the run folder"):
        load_manifest(run)


def test_a_link_out_of_the_folder_is_refused(run: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    outside = tmp_path_factory.mktemp("outside")
    (run / "artifacts").rename(outside / "artifacts")
    (run / "artifacts").symlink_to(outside / "artifacts")
    with pytest.raises(ManifestError, match="not in the run folder"):
        load_manifest(run)


def test_two_artefacts_of_one_name_are_refused(run: Path) -> None:
    rewrite(run, lambda fields: fields["artifacts"].append(fields["artifacts"][0]))
    with pytest.raises(ManifestError, match="two artefacts"):
        load_manifest(run)


@pytest.mark.parametrize("how", ["changed", "deleted", "a folder", "a FIFO"])
def test_files_that_are_not_those_of_the_run_are_refused_by_name(run: Path, how: str) -> None:
    record = load_whole_manifest(run).artifacts[0]
    path = run / record.artifact.path
    path.unlink()
    if how == "changed":
        path.write_bytes(b"the bytes of another")
    elif how == "a folder":
        path.mkdir()
    elif how == "a FIFO":
        os.mkfifo(path)
    with pytest.raises(MissingFileError if how == "deleted" else ManifestError) as caught:
        load_whole_manifest(run)
    assert caught.value.subject == str(path)


def test_a_manifest_alone_can_be_read() -> None:
    assert load_whole_manifest(GOLDEN) == load_manifest(GOLDEN)


def test_a_file_is_known_by_the_run_that_it_lies_in(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = run / load_manifest(run).artifacts[0].artifact.path
    require_recorded(path)
    (path.parent / "own.onnx").write_bytes(b"a file of the user's")
    require_recorded(path.parent / "own.onnx")
    require_recorded(run.parent / "none.onnx")
    path.write_bytes(b"swapped")
    monkeypatch.chdir(path.parent)
    for name in (path, Path(path.name)):
        with pytest.raises(ManifestError, match="other bytes"):
            require_recorded(name)
