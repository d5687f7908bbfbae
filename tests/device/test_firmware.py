"""Bundles as firmware of emulated Cortex-M cores. Skips loudly where compiler or emulator are missing."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from edgetool.embed.c_bundle import write_bundle
from edgetool.embed.check_bundle import check_bundle
from edgetool.embed.firmware import PACKAGES, FirmwareRun, run_firmware
from edgetool.embed.lower import lower_file
from edgetool.errors import InterpreterCrashError
from edgetool.targets import find_target

TINY = Path(__file__).parents[1] / "golden" / "models" / "tiny_int8.tflite"
CORES = ("cortex-m4-qemu", "cortex-m7-qemu", "cortex-m55-qemu")

#: TFLM with CMSIS-NN, the better of two optimisation levels: instructions on Cortex-M4 and M55, RAM on M4.
TFLM = {
    "resnet8_cifar10_int8": (29_877_200, 4_812_968, 55_552),
    "dscnn_kws_int8": (7_699_720, 1_787_218, 23_376),
    "autoencoder_toycar_int8": (582_280, 149_937, 2_852),
}


@pytest.fixture(scope="module", autouse=True)
def tools() -> None:
    missing = [package for tool, package in PACKAGES.items() if shutil.which(tool) is None]
    if missing:
        reason = f"no Arm compiler or emulator: apt install {' '.join(missing)}"
        if os.environ.get("EDGETOOL_REQUIRE_DEVICES"):
            pytest.fail(reason)
        pytest.skip(reason)


def run(model: Path, core: str, out: Path) -> FirmwareRun:
    target = find_target(core)
    write_bundle(model, name="net", out=out, target=target, overwrite=False)
    return run_firmware(out, "net", lower_file(model), target)


@pytest.mark.parametrize("core", CORES)
@pytest.mark.parametrize("name", ["tiny_int8", *TFLM])
def test_every_byte_is_that_of_the_reference_kernels(
    core: str, name: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    model = TINY if name == "tiny_int8" else request.getfixturevalue("shared_models") / f"{name}.tflite"
    found = run(model, core, tmp_path / "b")
    assert found.num_failed == 0 and found.arena_is_whole
    assert check_bundle(model, tmp_path / "b", num_samples=50).num_different == 0, "the same code on this machine"


@pytest.mark.parametrize("name", TFLM)
def test_less_is_needed_than_by_an_interpreter(name: str, shared_models: Path, tmp_path: Path) -> None:
    on_m4, on_m55, ram = TFLM[name]
    small = run(shared_models / f"{name}.tflite", "cortex-m4-qemu", tmp_path / "m4")
    large = run(shared_models / f"{name}.tflite", "cortex-m55-qemu", tmp_path / "m55")
    assert small.num_instructions <= 0.8 * on_m4 and small.ram_bytes <= 0.65 * ram
    assert large.num_instructions <= on_m55


def test_counts_can_be_repeated(tmp_path: Path) -> None:
    first, again = (run(TINY, "cortex-m4-qemu", tmp_path / name) for name in "ab")
    assert first == again and first.num_instructions > 0


def test_firmware_that_dies_is_an_error(tmp_path: Path) -> None:
    target = find_target("cortex-m4-qemu")
    write_bundle(TINY, name="net", out=tmp_path / "b", target=target, overwrite=False)
    source = tmp_path / "b" / "net.c"
    source.write_text(source.read_text().replace("void net_run(void) {", "void net_run(void) {\n  __builtin_trap();"))
    with pytest.raises(InterpreterCrashError, match="FAULT"):
        run_firmware(tmp_path / "b", "net", lower_file(TINY), target)


def test_the_command_builds_runs_and_reports(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "edgetool.cli.main", "embed", str(TINY), "--runtime", "c", "--run"]
    done = subprocess.run(
        [*command, "--target", "cortex-m4-qemu", "-o", str(tmp_path / "b")], capture_output=True, text=True
    )
    assert done.returncode == 0 and "instructions an inference" in done.stdout, done.stderr
    refused = subprocess.run([*command, "-o", str(tmp_path / "c")], capture_output=True, text=True)
    assert refused.returncode == 22 and not (tmp_path / "c").exists()
