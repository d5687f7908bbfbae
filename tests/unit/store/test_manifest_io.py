"""Manifests that cannot be read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from edgetool.errors import ManifestError, MissingFileError
from edgetool.store.manifest_io import MANIFEST_NAME, load_manifest, save_manifest

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
