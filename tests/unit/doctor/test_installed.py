"""What is installed: versions against requirements, programs on PATH, GPU and data folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgetool.doctor.installed import (
    Program,
    check_data,
    check_gpu,
    check_packages,
    check_programs,
    check_python,
)


def _script(path: Path, body: str) -> None:
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)


def test_python_fits() -> None:
    assert check_python().status == "ok"


def test_packages_of_edgetool_itself_are_there() -> None:
    found = {finding.name: finding for finding in check_packages()}
    assert found["numpy"].status == "ok" and found["numpy"].required
    assert not found["onnxruntime-gpu"].required
    assert "pytest" not in found  # development only


def test_old_and_missing_packages_say_what_to_type() -> None:
    found = {
        finding.name: finding
        for finding in check_packages(["numpy>=999", "no-such-package>=1", "no-such-extra; extra == 'parquet'"])
    }
    assert found["numpy"].status == "broken" and found["numpy"].is_failure
    assert found["numpy"].next_step == "pip install 'numpy>=999'"
    assert found["no-such-package"].status == "missing" and found["no-such-package"].is_failure
    assert not found["no-such-extra"].is_failure
    assert found["no-such-extra"].next_step == "pip install 'pyarrow>=18'"


def test_programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _script(tmp_path / "good-cc", "echo cc 1.2.3; echo more")
    _script(tmp_path / "bad-cc", "exit 3")
    monkeypatch.setenv("PATH", str(tmp_path))
    wanted = tuple(Program(names, "pkg", "compiles") for names in (("cc", "good-cc"), ("bad-cc",), ("no-cc",)))
    good, bad, none = check_programs(wanted)
    assert (good.status, good.found) == ("ok", "cc 1.2.3")
    assert bad.status == "broken" and bad.next_step == "sudo apt-get install --reinstall pkg"
    assert none.status == "missing" and none.next_step == "sudo apt-get install pkg" and not none.is_failure


def test_gpu_without_the_provider_is_broken_not_silent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from importlib import metadata

    def nothing(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", nothing)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert check_gpu().status == "missing"
    _script(tmp_path / "nvidia-smi", "echo 'A GPU, 1.0'")
    found = check_gpu()
    assert found.status == "broken" and found.found.startswith("A GPU") and "onnxruntime-gpu" in found.next_step


def test_data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EDGETOOL_DATA", raising=False)
    assert check_data().status == "missing"
    monkeypatch.setenv("EDGETOOL_DATA", str(tmp_path / "nowhere"))
    assert check_data().status == "broken"
    (tmp_path / "cifar10.npz").touch()
    monkeypatch.setenv("EDGETOOL_DATA", str(tmp_path))
    assert check_data().found == f"{tmp_path}: cifar10.npz"
