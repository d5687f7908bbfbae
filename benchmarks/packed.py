"""What packed weights save and cost on emulated Cortex-M cores.

    python benchmarks/packed.py MODEL.tflite... [--targets cortex-m4-qemu,...] [--out RESULT.md]
    python benchmarks/packed.py MODEL.tflite --targets stm32h743-qemu --data DATA.npz --scale 0.00392157 --samples 200

For each model and core `edgetool embed --runtime c --run` with `--pack never` and `--pack always`: flash of the linked
firmware, with start-up and measuring code; instructions of one inference, which QEMU counts under `-icount shift=0` (it
models no time); RAM with the stack's peak. "-": the firmware does not fit, and the bytes of its constants say why. With
`--data` images of the test split are the test vectors: every output byte of the firmware is compared with that of
LiteRT's reference kernels, and the accuracy is that of both. They link for the board's whole memory, because 200 images
take 0.6 MB that no product ships; flash and RAM are still those without them.
"""

from __future__ import annotations

import argparse
import dataclasses
import math
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from edgetool.data.load import load_dataset
from edgetool.data.preprocess import Preprocessing, apply_split
from edgetool.embed.boards.firmware import FirmwareRun, require_runnable, run_firmware
from edgetool.embed.bundles.c_bundle import Bundle, write_bundle
from edgetool.embed.compiler.pipeline import lower_file
from edgetool.embed.oracle.vectors import quantize_inputs, reference_vectors
from edgetool.errors import BudgetError
from edgetool.targets import find_target

HEADER = """\
| model | core | weights | constants | flash | of unpacked | instructions | of unpacked | RAM |
| --- | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |"""

#: Boards whose memory is larger than their target's.
BOARD_BYTES = 4 << 20


def main() -> int:
    """Build, run and print the tables; 1 if a test vector failed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="+", type=Path)
    parser.add_argument("--targets", default="cortex-m4-qemu,cortex-m7-qemu,cortex-m55-qemu")
    parser.add_argument("--data", help="as edgetool's option")
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--samples", type=int, default=200)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    lines, num_failed = [HEADER], 0
    layers: list[str] = []
    for model in options.models:
        for target in options.targets.split(","):
            rows, bundle, failed = measure(model, target)
            num_failed += failed
            lines += rows
            print("\n".join(rows), file=sys.stderr, flush=True)
            layers += layer_rows(model, target, bundle) if target == options.targets.split(",")[0] else []
    lines += ["", "| model | core | layer | form | int8 | packed |", "| --- | --- | --- | --- | ---: | ---: |", *layers]
    if options.data:
        for model in options.models:
            lines += ["", on_images(model, options.targets.split(",")[0], options)]
    tools = ("arm-none-eabi-gcc", "qemu-system-arm")
    versions = [subprocess.run([tool, "--version"], capture_output=True, text=True) for tool in tools]
    about = "; ".join(version.stdout.splitlines()[0] for version in versions)
    text = "\n".join(["# Packed weights on emulated Cortex-M cores", "", f"{about}.", "", *lines, ""])
    print(text)
    if options.out:
        options.out.write_text(text, encoding="utf-8")
    return int(num_failed > 0)


def measure(model: Path, target: str) -> tuple[list[str], Bundle, int]:
    """Return the table's rows of one model on one core, the packed bundle, and how many test vectors failed."""
    dense, packed = (run(model, target, pack) for pack in ("never", "always"))
    assert packed[0] is not None and packed[1] is not None, f"{model} does not fit {target} packed either"
    bundle, found = packed
    before = dense[1]
    cells = [f"{bundle.unpacked_bytes:,}", "-", "-", "-", "-", "-"]
    if before is not None:
        cells[1::2] = [f"{before.flash_bytes:,}", f"{before.num_instructions:,}", f"{before.ram_bytes:,}"]
    after = [f"{bundle.constant_bytes:,}", f"{found.flash_bytes:,}", "-", f"{found.num_instructions:,}", "-"]
    after.append(f"{found.ram_bytes:,}")
    if before is not None:
        after[2] = f"{found.flash_bytes / before.flash_bytes:.3f}"
        after[4] = f"{found.num_instructions / before.num_instructions:.3f}"
    rows = [
        f"| {model.stem} | {target} | {weights} | {' | '.join(row)} |"
        for weights, row in (("int8", cells), ("packed", after))
    ]
    return rows, bundle, found.num_failed + (before.num_failed if before else 0)


def run(model: Path, target: str, pack: str) -> tuple[Bundle | None, FirmwareRun | None]:
    """Write, build and run one model for one core; (None, None) where it does not fit."""
    device = find_target(target)
    require_runnable(device)
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "bundle"
        try:
            bundle = write_bundle(model, name="net", out=out, target=device, overwrite=False, pack=pack)
        except BudgetError:
            return None, None
        return bundle, run_firmware(out, "net", lower_file(model), device)


def layer_rows(model: Path, target: str, bundle: Bundle) -> list[str]:
    """Return a row for each packed layer."""
    return [
        f"| {model.stem} | {target} | {layer.layer.split(';')[-1].split(', ')[-1]} | {layer.form} "
        f"| {layer.unpacked_bytes:,} | {layer.packed_bytes:,} |"
        for layer in bundle.packed
    ]


def on_images(model: Path, target: str, options: argparse.Namespace) -> str:
    """Return a sentence on the accuracy of the firmware and of LiteRT on images of the test split."""
    device = find_target(target)
    board = dataclasses.replace(device, flash_bytes=BOARD_BYTES, ram_bytes=BOARD_BYTES)
    dataset = load_dataset(options.data)
    assert dataset.test is not None and dataset.test.labels is not None
    split = apply_split(dataset.test.take(options.samples, seed=0), Preprocessing(scale=options.scale))
    labels = np.asarray(split.labels).reshape(-1)
    program = lower_file(model)
    inputs = quantize_inputs(program, split.inputs)
    answers = reference_vectors(model, program, inputs).outputs[0].reshape(len(labels), -1).argmax(axis=1)
    accuracy = float((answers == labels).mean())
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "bundle"
        bundle = write_bundle(model, name="net", out=out, target=board, overwrite=False, pack="always", inputs=inputs)
        found = run_firmware(out, "net", program, board)
    error = math.sqrt(accuracy * (1 - accuracy) / len(labels))
    fits = found.flash_bytes <= (device.flash_bytes or 0) and found.ram_bytes <= (device.ram_bytes or 0)
    return (
        f"{model.stem} on {len(labels)} test images of {dataset.name}: LiteRT's reference kernels classify "
        f"{100 * accuracy:.1f} % (s.e. {100 * error:.1f}) rightly; the firmware on {target} gave the same bytes for "
        f"{found.num_vectors - found.num_failed} of {found.num_vectors}. Flash {found.flash_bytes:,}, RAM "
        f"{found.ram_bytes:,}, {found.num_instructions:,} instructions at most: "
        f"{'within' if fits else 'beyond'} {device.flash_bytes:,} and {device.ram_bytes:,}; "
        f"{bundle.unpacked_bytes:,} bytes of constants if no weights were packed."
    )


if __name__ == "__main__":
    sys.exit(main())
