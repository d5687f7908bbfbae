"""Find the folders that describe models and targets: built-in ones are scanned, others come from entry points.

An entry point of the group `edgetool.models` or `edgetool.targets` names a package; its folders are scanned likewise.
"""

from __future__ import annotations

import importlib
from importlib.metadata import entry_points
from importlib.resources import files
from pathlib import Path

__all__ = ["scan"]


def scan(builtin: str, group: str, filename: str) -> dict[str, tuple[str, Path]]:
    """Return what is there: folder name -> (package that holds it, path of its TOML file).

    Args:
        builtin: package of the built-in ones, for example `edgetool_models`.
        group: entry point group of other people's packages.
        filename: `model.toml` or `target.toml`.
    """
    packages = [builtin, *(point.value for point in entry_points(group=group))]
    found: dict[str, tuple[str, Path]] = {}
    for package in packages:
        importlib.import_module(package)
        for folder in sorted(Path(str(files(package))).iterdir()):
            if (folder / filename).is_file():
                found.setdefault(folder.name, (package, folder / filename))
    return found
