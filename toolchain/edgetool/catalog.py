"""Find what tables name, and the folders that describe models and targets.

Built-in folders are scanned, others come from entry points. An entry point of the group `edgetool.models` or
`edgetool.targets` names a package; its folders are scanned likewise.
"""

from __future__ import annotations

import importlib
from importlib.metadata import entry_points
from importlib.resources import files
from pathlib import Path
from typing import Any

from edgetool.errors import EdgetoolError

__all__ = ["load_object", "scan"]


def load_object(path: str) -> Any:
    """Import what a table names as `module:attribute`."""
    module, _, attribute = path.partition(":")
    return getattr(importlib.import_module(module), attribute)


def scan(builtin: str, group: str, filename: str, *, error: type[EdgetoolError]) -> dict[str, tuple[str, Path]]:
    """Return what is there: folder name -> (package that holds it, path of its TOML file).

    Args:
        builtin: package of the built-in ones, for example `edgetool_models`.
        group: entry point group of other people's packages.
        filename: `model.toml` or `target.toml`.
        error: the kind of error to raise.

    Raises:
        error: a package of an entry point cannot be imported.
    """
    packages = [builtin, *(point.value for point in entry_points(group=group))]
    found: dict[str, tuple[str, Path]] = {}
    for package in packages:
        try:
            importlib.import_module(package)
        except ImportError as exc:
            raise error(
                f"entry point of {group}",
                found=f"package {package!r}, which cannot be imported ({exc})",
                expected="a package with a folder for each entry",
                next_step="reinstall or remove the package that declares it",
            ) from None
        for folder in sorted(Path(str(files(package))).iterdir()):
            if (folder / filename).is_file():
                found.setdefault(folder.name, (package, folder / filename))
    return found
