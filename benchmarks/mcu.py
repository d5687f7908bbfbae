"""What generated C needs on emulated Cortex-M cores, beside TFLite Micro with CMSIS-NN.

    python benchmarks/mcu.py MODEL.tflite... [--layers] [--targets cortex-m4-qemu,cortex-m7-qemu,cortex-m55-qemu]
        [--out RESULT.md]

For each model and core `edgetool embed --runtime c --run`: instructions of one inference (QEMU counts them under
`-icount shift=0`; it models no time), flash, RAM with the stack's peak. "Own bytes" are those of the parameters, int8
weights and int32 biases; what lies beyond them is code, tables and start-up. The figures of TFLite Micro are constants
here: TFLM 90b983c (August 2026) with CMSIS-NN, only the needed operators, arm-none-eabi-gcc 12.2.1, the better of `-O3`
and its default optimisation, measured 2026-11-23 on the same emulator, without the stack (576 bytes or more).
"""

from __future__ import annotations

import argparse
import datetime
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from edgetool.embed.boards.firmware import FirmwareRun, require_runnable, run_firmware
from edgetool.embed.bundles.c_bundle import write_bundle
from edgetool.embed.compiler.pipeline import lower_file
from edgetool.ir.tflite import read_tflite
from edgetool.targets import find_target

#: What the stack takes in TFLM's favour, at least.
TFLM_STACK_BYTES = 576


@dataclass(frozen=True, slots=True)
class Peer:
    """TFLM with CMSIS-NN: instructions of one inference, flash and RAM bytes."""

    num_instructions: int
    flash_bytes: int
    ram_bytes: int


#: Depthwise convolutions of 24 x 24 x 18: name -> options of the Keras layer.
LAYERS: dict[str, dict[str, int]] = {
    "depthwise_multiplier_4": {"depth_multiplier": 4},
    "depthwise_dilation_2": {"dilation_rate": 2},
    "depthwise_18_channels": {},
}

PEERS = {
    ("resnet8_cifar10_int8", "cortex-m4-qemu"): Peer(29_877_200, 150_596, 55_552),
    ("resnet8_cifar10_int8", "cortex-m55-qemu"): Peer(4_812_968, 141_028, 55_580),
    ("dscnn_kws_int8", "cortex-m4-qemu"): Peer(7_699_720, 108_232, 23_376),
    ("dscnn_kws_int8", "cortex-m55-qemu"): Peer(1_787_218, 99_716, 27_900),
    ("autoencoder_toycar_int8", "cortex-m4-qemu"): Peer(582_280, 306_648, 2_852),
    ("autoencoder_toycar_int8", "cortex-m55-qemu"): Peer(149_937, 298_808, 9_540),
}


def main() -> int:
    """Build, run and print the table; 1 if a test vector failed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="*", type=Path)
    parser.add_argument("--layers", action="store_true", help="also models of one layer with random weights")
    parser.add_argument("--targets", default="cortex-m4-qemu,cortex-m7-qemu,cortex-m55-qemu")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    lines = [
        "| model | core | instructions | of TFLM | flash | own bytes | beyond them, of TFLM | RAM | of TFLM | stack |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    num_failed = 0
    layers = tempfile.TemporaryDirectory()
    for model in [*options.models, *(write_layers(Path(layers.name)) if options.layers else [])]:
        own = parameter_bytes(model)
        for target in options.targets.split(","):
            found = measure(model, target)
            num_failed += found.num_failed
            lines.append(row(model.stem, found, own, PEERS.get((model.stem, target))))
            print(lines[-1], file=sys.stderr, flush=True)
    text = "\n".join(["# Generated C on emulated Cortex-M cores", "", *about(), "", *lines, ""])
    print(text)
    if options.out:
        options.out.write_text(text, encoding="utf-8")
    return int(num_failed > 0)


def write_layers(folder: Path) -> list[Path]:
    """Write int8 models of one layer each, for kernels that none of the usual models has."""
    import numpy as np
    import tensorflow as tf
    import tf_keras

    samples = np.random.default_rng(0).normal(size=(20, 1, 24, 24, 18)).astype(np.float32)
    made = []
    for name, options in LAYERS.items():
        tf_keras.utils.set_random_seed(0)
        layer = tf_keras.layers.DepthwiseConv2D(3, padding="same", **options)
        model = tf_keras.Sequential([tf_keras.layers.Input((24, 24, 18), batch_size=1), layer])
        converter = tf.lite.TFLiteConverter.from_keras_model(model)
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = lambda: ([sample] for sample in samples)
        converter.inference_input_type = converter.inference_output_type = tf.int8
        made.append(folder / f"{name}.tflite")
        made[-1].write_bytes(converter.convert())
    return made


def about() -> list[str]:
    """Return what was measured with what, and when."""
    versions = [
        subprocess.run([tool, "--version"], capture_output=True, text=True, check=True).stdout.splitlines()[0]
        for tool in ("arm-none-eabi-gcc", "qemu-system-arm")
    ]
    return [
        f"{datetime.datetime.now(datetime.UTC):%Y-%m-%d}; {'; '.join(versions)}.",
        "`-O3`, `-icount shift=0`. Ratios are to TFLite",
        'Micro with CMSIS-NN (see `benchmarks/mcu.py`); "beyond them" is flash without the parameters\' own bytes.',
    ]


def measure(model: Path, target: str) -> FirmwareRun:
    """Write, build and run one model for one core."""
    device = find_target(target)
    require_runnable(device)
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "bundle"
        write_bundle(model, name="net", out=out, target=device, overwrite=False)
        return run_firmware(out, "net", lower_file(model), device)


def parameter_bytes(model: Path) -> int:
    """Return the bytes of weights and biases, as the file stores them."""
    graph = read_tflite(model)
    used = {name for op in graph.ops for name in op.inputs[1:]}
    constants = [graph.tensors[name] for name in used if name and graph.tensors[name].quantization is not None]
    return sum(tensor.constant.nbytes for tensor in constants if tensor.constant is not None)


def row(name: str, found: FirmwareRun, own: int, peer: Peer | None) -> str:
    """Return a line of the table."""
    cells = [name, found.target, f"{found.num_instructions:,}", "-", f"{found.flash_bytes:,}", f"{own:,}", "-"]
    cells += [f"{found.ram_bytes:,}", "-", f"{found.stack_bytes:,}"]
    if peer is not None:
        cells[3] = f"{found.num_instructions / peer.num_instructions:.3f}"
        cells[6] = f"{(found.flash_bytes - own) / (peer.flash_bytes - own):.3f}"
        cells[8] = f"{found.ram_bytes / (peer.ram_bytes + TFLM_STACK_BYTES):.3f}"
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    sys.exit(main())
