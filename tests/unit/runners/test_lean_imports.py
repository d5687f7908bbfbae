"""Imports without what a package can do without: hidden from one module alone, and without collections."""

from __future__ import annotations

import gc
import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from edgetool.runners import lean_imports
from edgetool.runners.lean_imports import LeanImports, import_lean

TRIES = """
import gc
collects = gc.isenabled()
try:
    import costly.part
    found = True
except ImportError:
    found = False
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A path with a large package, one of its modules that can do without `costly`, and another that needs it."""
    for package, modules in {"large": {"greedy": TRIES, "user": TRIES}, "costly": {"part": ""}}.items():
        (tmp_path / package).mkdir()
        (tmp_path / package / "__init__.py").write_text("import gc\ncollects = gc.isenabled()\n")
        for name, text in modules.items():
            (tmp_path / package / f"{name}.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(lean_imports, "LEFT_OUT", {"large.greedy": "costly"})
    monkeypatch.setattr(lean_imports, "LARGE", frozenset({"large"}))
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    yield tmp_path
    for name in [name for name in sys.modules if name.partition(".")[0] in ("large", "costly")]:
        del sys.modules[name]


def test_a_package_is_hidden_from_the_module_that_does_without_it_alone(folder: Path) -> None:
    import_lean()
    assert not importlib.import_module("large.greedy").found
    assert importlib.import_module("large.user").found
    assert importlib.import_module("costly.part")


def test_what_is_loaded_already_is_not_hidden(folder: Path) -> None:
    import_lean()
    importlib.import_module("costly.part")
    assert importlib.import_module("large.greedy").found


def test_large_packages_are_imported_without_collections(folder: Path) -> None:
    import_lean()
    before = gc.get_freeze_count()
    assert not importlib.import_module("large").collects
    assert gc.isenabled() and gc.get_freeze_count() > before
    assert importlib.import_module("costly").collects
    gc.unfreeze()


def test_who_does_not_collect_is_left_so(folder: Path) -> None:
    import_lean()
    gc.disable()
    try:
        importlib.import_module("large")
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_a_package_that_fails_leaves_collections_on(folder: Path) -> None:
    (folder / "large" / "__init__.py").write_text("raise ValueError('broken')")
    import_lean()
    with pytest.raises(ValueError, match="broken"):
        importlib.import_module("large")
    assert gc.isenabled()


def test_one_finder_is_enough(folder: Path) -> None:
    import_lean()
    import_lean()
    assert sum(isinstance(finder, LeanImports) for finder in sys.meta_path) == 1
