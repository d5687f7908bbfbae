"""The README shows what the commonest mistakes print: they print that."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
import re
import resource
import shlex
import shutil
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np
import pytest

from edgetool.cli import main
from edgetool.store.manifest_io import load_manifest, save_manifest

ROOT = Path(__file__).parents[2]
BLOCK = re.search(r"```text\n(\$ edgetool .*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
assert BLOCK is not None
MISTAKES = [part.strip().partition("\n") for part in BLOCK.group(1).split("$ ") if part.strip()]


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The files that the README's commands name, each with its fault."""
    monkeypatch.chdir(tmp_path)
    golden = ROOT / "tests" / "golden"
    shutil.copy(golden / "models" / "tiny.onnx", "model.onnx")
    x = np.zeros((20, 6), np.float32)
    np.savez("data.npz", x_train=x, y_train=np.arange(20) % 3)
    Path("cut.npz").write_bytes(Path("data.npz").read_bytes()[:400])
    layer = {"module": "keras.layers", "class_name": "Lambda", "config": {"name": "double"}, "registered_name": None}
    weights = io.BytesIO()
    h5py.File(weights, "w").close()
    with zipfile.ZipFile("lambda.keras", "w") as archive:
        archive.writestr("metadata.json", json.dumps({"keras_version": "3.15.1"}))
        archive.writestr("config.json", json.dumps({"class_name": "Sequential", "config": {"layers": [layer]}}))
        archive.writestr("model.weights.h5", weights.getvalue())
    manifest = load_manifest(golden / "report")
    record = manifest.artifacts[0]
    file = dataclasses.replace(record.artifact, digest=hashlib.sha256(b"of the run").hexdigest())
    Path("run/artifacts").mkdir(parents=True)
    (Path("run") / file.path).write_bytes(b"swapped")
    record = dataclasses.replace(record, artifact=file)
    save_manifest(Path("run"), dataclasses.replace(manifest, artifacts=(record,), decisions=()))
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield tmp_path
    resource.setrlimit(resource.RLIMIT_FSIZE, limit)


@pytest.mark.parametrize(("command", "_", "shown"), MISTAKES, ids=[command for command, _, _ in MISTAKES])
def test_a_mistake_prints_what_the_readme_shows(
    workplace: Path,
    command: str,
    _: str,
    shown: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    if "-o full" in command:  # for a disk: no file may grow beyond a kilobyte
        resource.setrlimit(resource.RLIMIT_FSIZE, (1024, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
    before = sorted(workplace.rglob("*"))
    monkeypatch.setattr(sys, "argv", shlex.split(command))
    code = main._call()
    *lines, last = shown.strip().splitlines()
    assert capsys.readouterr().err.splitlines() == lines
    assert last == f"exit code {code}"
    assert sorted(workplace.rglob("*")) == before
