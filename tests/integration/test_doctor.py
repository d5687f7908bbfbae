"""`edgetool doctor` on this machine: real inferences, the result as JSON, and a failure that is told."""

from __future__ import annotations

import json

import pytest
import typer
from typer.testing import CliRunner

from edgetool.cli.doctor import doctor
from edgetool.cli.groups import flattened
from edgetool.doctor import installed
from edgetool.errors import MissingDependencyError


def invoke(*arguments: str, catch: bool = False) -> tuple[str, str, BaseException | None]:
    app = typer.Typer()
    app.command()(flattened(doctor))
    found = CliRunner().invoke(app, list(arguments), catch_exceptions=catch)
    return found.stdout, found.stderr, found.exception


@pytest.mark.slow
def test_every_runtime_gives_the_right_answer() -> None:
    stdout, _, _ = invoke("--json")
    found = {(item["group"], item["name"]): item for item in json.loads(stdout)}
    for name in ("litert", "onnxruntime", "tensorflow"):
        assert found["runs", name]["status"] == "ok", found["runs", name]["found"]
    assert "right answer" in found["runs", "litert"]["found"]
    assert "keras 3." in found["runs", "tensorflow"]["found"]


def test_table_and_what_to_type(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    stdout, stderr, _ = invoke("--no-run")
    assert "tensorflow-model-optimization" in stdout and "runs .tflite files" not in stdout
    assert "sudo apt-get install qemu-system-arm" in stderr


def test_a_required_package_that_is_missing_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = installed.check_packages
    monkeypatch.setattr(installed, "check_packages", lambda: asked(["no-such-package>=1"]))
    stdout, _, error = invoke("--json", catch=True)
    assert isinstance(error, MissingDependencyError) and error.exit_code == 53
    assert error.next_step == "pip install 'no-such-package>=1'"
    assert any(item["name"] == "no-such-package" for item in json.loads(stdout)), "the table is printed all the same"
