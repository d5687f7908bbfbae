"""Folders of models and targets: built-in ones, and those of other people's packages."""

from __future__ import annotations

import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from edgetool import catalog
from edgetool.errors import TargetError


def test_builtin_folders_are_found() -> None:
    found = catalog.scan("edgetool_targets", "edgetool.targets", "target.toml", error=TargetError)
    package, path = found["host"]
    assert package == "edgetool_targets" and path.name == "target.toml" and path.is_file()


def test_entry_points_add_packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "their_targets"
    (package / "board").mkdir(parents=True)
    (package / "board" / "target.toml").write_text("")
    (package / "notes").mkdir()
    (package / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(str(tmp_path))
    point = EntryPoint("theirs", "their_targets", "edgetool.targets")
    monkeypatch.setattr(catalog, "entry_points", lambda group: [point] if group == "edgetool.targets" else [])
    found = catalog.scan("edgetool_targets", "edgetool.targets", "target.toml", error=TargetError)
    assert found["board"] == ("their_targets", package / "board" / "target.toml")
    assert "host" in found and "notes" not in found
    del sys.modules["their_targets"]


def test_a_broken_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    point = EntryPoint("theirs", "no_such_package_here", "edgetool.targets")
    monkeypatch.setattr(catalog, "entry_points", lambda group: [point])
    with pytest.raises(TargetError, match="no_such_package_here"):
        catalog.scan("edgetool_targets", "edgetool.targets", "target.toml", error=TargetError)
