"""Run folders: new, resumed, refused."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from edgetool.errors import ManifestError, RunExistsError
from edgetool.store.manifest import SCHEMA_VERSION, Manifest, StageRecord
from edgetool.store.manifest_io import load_manifest
from edgetool.store.run_folder import RunFolder, hash_key


def fresh(key: str = "k") -> Manifest:
    return Manifest(
        schema_version=SCHEMA_VERSION, edgetool_version="0", command="edgetool compress m", run_key=key, created="",
        status="running", seed=0, recipes=("float32",), target="host", max_drop_points=1.0, data={}, source=None,
        machine=None,
    )  # fmt: skip


STAGE = StageRecord("build float32", "key", 1.0, "now")


def test_an_unfinished_run_goes_on(tmp_path: Path) -> None:
    with RunFolder.open(tmp_path / "run", fresh(), overwrite=False) as run:
        assert not run.resumed
        run.finish(STAGE)
    with RunFolder.open(tmp_path / "run", fresh(), overwrite=False) as run:
        assert run.resumed and run.finished("build float32", "key")
        assert not run.finished("build float32", "another key")


def test_a_finished_run_is_kept_unless_told_otherwise(tmp_path: Path) -> None:
    with RunFolder.open(tmp_path / "run", fresh(), overwrite=False) as run:
        run.complete()
        assert not run.cache.exists()
    with (
        pytest.raises(RunExistsError, match="a finished run"),
        RunFolder.open(tmp_path / "run", fresh(), overwrite=False),
    ):
        pass
    assert load_manifest(tmp_path / "run").status == "complete"
    with RunFolder.open(tmp_path / "run", fresh(), overwrite=True) as run:
        assert run.manifest.stages == () and run.manifest.status == "running"


def test_another_run_is_not_mixed_in(tmp_path: Path) -> None:
    with RunFolder.open(tmp_path / "run", fresh("a"), overwrite=False) as run:
        run.finish(STAGE)
    with pytest.raises(ManifestError) as caught, RunFolder.open(tmp_path / "run", fresh("b"), overwrite=False):
        pass
    assert "edgetool compress m" in caught.value.expected


def test_a_folder_with_other_content_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(RunExistsError, match="other content"), RunFolder.open(tmp_path, fresh(), overwrite=True):
        pass
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


def test_keys_follow_content_alone() -> None:
    assert hash_key(fresh(), {"b": 1, "a": 2}) == hash_key(fresh(), {"a": 2, "b": 1})
    assert hash_key(fresh()) != hash_key(dataclasses.replace(fresh(), seed=1))
