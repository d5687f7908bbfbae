"""The line that installs an extra names packages that an index has."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from edgetool.extras import extra_requirements, install_command

PROJECT = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]


@pytest.mark.parametrize("extra", ["jax", "torch", "parquet", "litert-torch", "gpu"])
def test_every_package_of_an_extra_is_spelled_out(extra: str) -> None:
    command = install_command(extra)
    assert command.startswith("pip install '") and "edgetool" not in command
    declared = {line.partition(">")[0] for line in PROJECT["optional-dependencies"][extra]}
    assert {requirement.name for requirement in extra_requirements(extra)} == declared


def test_an_unknown_extra_is_left_to_the_checkout() -> None:
    assert extra_requirements("nothing") == ()
    assert install_command("nothing") == "pip install -e '.[nothing]'"
