"""What was written is known again, on every core; what was changed is named."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from edgetool.embed.bundles.c_bundle import write_bundle
from edgetool.embed.bundles.rewritten import changed_file, rewrite
from edgetool.embed.compiler.pipeline import lower_file
from edgetool.targets import find_target

MODEL = Path(__file__).parents[3] / "golden" / "models" / "tiny_int8.tflite"


def written(out: Path, target: str, pack: str, io: str) -> dict[str, bytes]:
    """Write a bundle and return what it is compiled from, written anew."""
    made = write_bundle(MODEL, name="net", out=out, target=find_target(target), overwrite=False, pack=pack, io=io)
    program = dataclasses.replace(lower_file(MODEL, io=io), source_digest=made.source_sha256)
    return rewrite("net", program, isa=made.isa, is_packed=bool(made.packed))


@pytest.mark.parametrize("io", ["arena", "caller"])
@pytest.mark.parametrize("pack", ["never", "always"])
@pytest.mark.parametrize("target", ["host", "cortex-m4-qemu", "cortex-m55-qemu"])
def test_what_was_written_is_known_again(target: str, pack: str, io: str, tmp_path: Path) -> None:
    sources = written(tmp_path / "b", target, pack, io)
    assert changed_file(tmp_path / "b", sources) is None


@pytest.mark.parametrize("file", ["net.h", "net.c", "weights.c"])
def test_the_first_file_that_differs_or_is_missing_is_named(file: str, tmp_path: Path) -> None:
    sources = written(tmp_path / "b", "host", "never", "arena")
    path = tmp_path / "b" / file
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r", 1))
    assert changed_file(tmp_path / "b", sources) == file
    path.unlink()
    assert changed_file(tmp_path / "b", sources) == file
