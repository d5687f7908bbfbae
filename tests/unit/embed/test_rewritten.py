"""What was written is known again, on every core; what was changed is named."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from edgetool.embed.c_bundle import write_bundle
from edgetool.embed.calls import place_io
from edgetool.embed.lower import lower_file
from edgetool.embed.program import Program
from edgetool.embed.rewritten import changed_file
from edgetool.targets import find_target

MODEL = Path(__file__).parents[2] / "golden" / "models" / "tiny_int8.tflite"


def written(out: Path, target: str, pack: str, io: str) -> Program:
    """Write a bundle and return the program that it is of."""
    made = write_bundle(MODEL, name="net", out=out, target=find_target(target), overwrite=False, pack=pack, io=io)
    return dataclasses.replace(place_io(lower_file(MODEL), io), source_digest=made.source_sha256)


@pytest.mark.parametrize("io", ["arena", "caller"])
@pytest.mark.parametrize("pack", ["never", "always"])
@pytest.mark.parametrize("target", ["host", "cortex-m4-qemu", "cortex-m55-qemu"])
def test_what_was_written_is_known_again(target: str, pack: str, io: str, tmp_path: Path) -> None:
    program = written(tmp_path / "b", target, pack, io)
    isa = find_target(target).isa
    assert changed_file(tmp_path / "b", "net", program, isa=isa, is_packed=pack == "always") is None


@pytest.mark.parametrize("file", ["net.h", "net.c", "weights.c"])
def test_the_first_file_that_differs_or_is_missing_is_named(file: str, tmp_path: Path) -> None:
    program = written(tmp_path / "b", "host", "never", "arena")
    path = tmp_path / "b" / file
    path.write_bytes(path.read_bytes() + b"\xff")
    assert changed_file(tmp_path / "b", "net", program, isa=find_target("host").isa, is_packed=False) == file
    path.unlink()
    assert changed_file(tmp_path / "b", "net", program, isa=find_target("host").isa, is_packed=False) == file
