"""What to type for an optional package: edgetool is on no package index, so its extras are spelled out."""

from __future__ import annotations

from importlib import metadata

from packaging.requirements import Requirement

__all__ = ["extra_requirements", "install_command"]


def extra_requirements(extra: str) -> tuple[Requirement, ...]:
    """Return what an extra of the installed edgetool asks for; nothing for an unknown extra."""
    try:
        declared = metadata.requires("edgetool") or []
    except metadata.PackageNotFoundError:
        return ()
    found = []
    for line in declared:
        requirement = Requirement(line)
        marker = requirement.marker
        if marker is not None and marker.evaluate({"extra": extra}) and not marker.evaluate({"extra": ""}):
            found.append(requirement)
    return tuple(found)


def install_command(extra: str) -> str:
    """Return the line that installs the packages of an extra."""
    names = [f"'{requirement.name}{requirement.specifier}'" for requirement in extra_requirements(extra)]
    return f"pip install {' '.join(names)}" if names else f"pip install -e '.[{extra}]'"
