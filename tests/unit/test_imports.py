"""What starting the command line loads: nothing that takes long."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

HEAVY = (
    "tensorflow",
    "tf_keras",
    "keras",
    "onnx",
    "onnxruntime",
    "ai_edge_litert",
    "numpy",
    "scipy",
    "sklearn",
    "PIL",
    "rich",
    "pydantic",
    "jinja2",
    "psutil",
)


def loaded_by(code: str) -> set[str]:
    script = f"import json, sys\n{code}\nprint(json.dumps(sorted({{name.split('.')[0] for name in sys.modules}})))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize(
    "code",
    [
        "import edgetool.cli.main",
        "import edgetool",
        "from typer.testing import CliRunner\nfrom edgetool.cli.main import app\n"
        "assert CliRunner().invoke(app, ['--help']).exit_code == 0",
        "from typer.testing import CliRunner\nfrom edgetool.cli.main import app\n"
        "assert CliRunner().invoke(app, ['recipes']).exit_code == 0",
    ],
    ids=["import", "interface", "help", "recipes"],
)
def test_start_up_loads_no_heavy_package(code: str) -> None:
    assert not loaded_by(code) & set(HEAVY)
