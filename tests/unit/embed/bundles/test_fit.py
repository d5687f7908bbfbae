"""What a file takes on a microcontroller, as C and on TensorFlow Lite Micro."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgetool.embed.bundles.c_bundle import write_bundle
from edgetool.embed.bundles.fit import fit_file
from edgetool.errors import UsageError
from edgetool.targets import find_target

GOLDEN = Path(__file__).parents[3] / "golden" / "models"
BOARD = find_target("cortex-m4-qemu")


def test_c_takes_what_its_bundle_takes(tmp_path: Path) -> None:
    fit = fit_file(GOLDEN / "tiny_int8.tflite", "c", BOARD)
    bundle = write_bundle(GOLDEN / "tiny_int8.tflite", name="net", out=tmp_path / "b", target=BOARD, overwrite=False)
    assert (fit.flash_bytes, fit.ram_bytes, fit.refusal) == (bundle.constant_bytes, bundle.arena_bytes, "")


def test_tflm_takes_the_whole_file() -> None:
    path = GOLDEN / "tiny_int8.tflite"
    fit = fit_file(path, "tflm", BOARD)
    assert fit.flash_bytes == path.stat().st_size and fit.ram_bytes > 0 and not fit.refusal


def test_what_no_kernel_is_for_is_named_and_another_runtime_is_refused() -> None:
    assert "tiny.onnx" in fit_file(GOLDEN / "tiny.onnx", "c", BOARD).refusal
    with pytest.raises(UsageError, match="c or tflm"):
        fit_file(GOLDEN / "tiny_int8.tflite", "litert", BOARD)
