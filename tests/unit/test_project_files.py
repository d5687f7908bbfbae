"""Files that the forge and its visitors read: they parse, and name versions, commands and files that there are."""

from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from edgetool.cli.main import app

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
WORKFLOW = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text())


def _steps() -> list[str]:
    """Return the shell lines of all jobs."""
    steps = [step for job in WORKFLOW["jobs"].values() for step in job["steps"]]
    return [line.strip() for step in steps for line in str(step.get("run", "")).splitlines()]


def test_the_citation_names_this_version_and_licence() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert (citation["version"], citation["license"]) == (PROJECT["version"], PROJECT["license"])


def test_workflows_test_the_oldest_and_the_newest_python() -> None:
    lowest, highest = re.findall(r"3\.(\d+)", PROJECT["requires-python"])
    assert WORKFLOW["jobs"]["test"]["strategy"]["matrix"]["python"] == [f"3.{lowest}", f"3.{int(highest) - 1}"]


def test_workflows_call_what_there_is() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    called = [line.split()[1] for line in _steps() if line.startswith("make ")]
    assert called and set(called) <= targets
    assert any(line.endswith(".ci/run") for line in _steps()) and (ROOT / ".ci" / "run").is_file()


@pytest.mark.parametrize("line", [line for line in _steps() if "/edgetool " in line])
def test_workflows_give_options_that_there_are(line: str) -> None:
    _, command, *words = shlex.split(line)
    group: Any = typer.main.get_command(app)
    options = {option for parameter in group.get_command(None, command).params for option in parameter.opts}
    assert {word for word in words if word.startswith("-")} <= options


@pytest.mark.parametrize("path", sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("[!c]*.yml")), ids=lambda p: p.stem)
def test_issue_forms_have_what_the_forge_asks_for(path: Path) -> None:
    form = yaml.safe_load(path.read_text())
    assert {"name", "description", "body"} <= set(form)
    assert all(field["attributes"]["label"] for field in form["body"])


def test_badges_claim_what_is_true() -> None:
    readme = (ROOT / "README.md").read_text()
    lowest, highest = re.findall(r"3\.(\d+)", PROJECT["requires-python"])
    assert f"python-3.{lowest}%20to%203.{int(highest) - 1}-" in readme
    assert f"licence-{PROJECT['license'].replace('-', '--')}-" in readme
    workflows = re.findall(r"actions/workflows/(\w+\.yml)", readme)
    assert workflows and all((ROOT / ".github" / "workflows" / name).is_file() for name in workflows)
