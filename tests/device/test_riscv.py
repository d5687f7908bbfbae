"""The same C on another core: a board that is described by its target's folder alone."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from edgetool.embed.boards.firmware import missing_packages, run_firmware
from edgetool.embed.bundles.c_bundle import write_bundle
from edgetool.embed.compiler.pipeline import lower_file
from edgetool.errors import InterpreterCrashError
from edgetool.targets import find_target

MODELS = Path(__file__).parents[1] / "golden" / "models"
TARGET = find_target("riscv32-qemu")


@pytest.fixture(scope="module", autouse=True)
def tools() -> None:
    missing = missing_packages(TARGET).values()
    if missing:
        reason = f"no RISC-V compiler or emulator: apt install {' '.join(missing)}"
        if os.environ.get("EDGETOOL_REQUIRE_DEVICES"):
            pytest.fail(reason)
        pytest.skip(reason)


@pytest.mark.parametrize("name", ["tiny_int8", "tiny_float32"])
def test_every_output_is_that_of_the_reference_kernels(name: str, tmp_path: Path) -> None:
    model = MODELS / f"{name}.tflite"
    made = write_bundle(model, name="net", out=tmp_path / "b", target=TARGET, overwrite=False, num_vectors=10)
    found = run_firmware(made.out, "net", lower_file(model), TARGET)
    assert made.kernels.family == "portable"
    assert found.num_failed == 0 and found.arena_is_whole and found.num_vectors == 10
    assert found.num_instructions > 0 and 0 < found.stack_bytes < found.ram_bytes


def test_packed_weights_are_read_there_too(tmp_path: Path) -> None:
    model = MODELS / "tiny_int8.tflite"
    made = write_bundle(model, name="net", out=tmp_path / "b", target=TARGET, overwrite=False, pack="always")
    assert run_firmware(made.out, "net", lower_file(model), TARGET).num_failed == 0


def test_firmware_that_dies_is_an_error(tmp_path: Path) -> None:
    model = MODELS / "tiny_int8.tflite"
    write_bundle(model, name="net", out=tmp_path / "b", target=TARGET, overwrite=False)
    source = tmp_path / "b" / "net.c"
    source.write_text(source.read_text().replace("void net_run(void) {", "void net_run(void) {\n  __builtin_trap();"))
    with pytest.raises(InterpreterCrashError, match="FAULT"):
        run_firmware(tmp_path / "b", "net", lower_file(model), TARGET)
