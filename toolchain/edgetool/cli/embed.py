"""`edgetool embed`: a model for a device."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgetool.cli.console import Console
from edgetool.options.commands import EmbedOptions
from edgetool.options.groups import ConsoleOptions

if TYPE_CHECKING:
    from edgetool.embed.backends.portable_layers import KernelChoice
    from edgetool.embed.boards.firmware import FirmwareRun
    from edgetool.embed.bundles.array import ArrayFiles
    from edgetool.embed.bundles.bundle import EmbeddedC
    from edgetool.embed.bundles.c_bundle import Bundle
    from edgetool.embed.bundles.linux_bundle import LinuxBundle
    from edgetool.embed.bundles.tflm_bundle import TflmBundle


def embed(options: EmbedOptions, output: ConsoleOptions) -> None:
    """Write MODEL for a device: as C, for TensorFlow Lite Micro, or as a folder for a board with Linux."""
    from edgetool.embed.bundles.array import ArrayFiles
    from edgetool.embed.bundles.bundle import EmbeddedC, require_passed
    from edgetool.embed.bundles.make import embed_model
    from edgetool.embed.bundles.tflm_bundle import TflmBundle

    console = Console.of(output)
    made = embed_model(options)
    if isinstance(made, ArrayFiles):
        console.result(_array_result(made), "\n".join(_array_lines(made)))
    elif isinstance(made, EmbeddedC):
        for warning in made.bundle.warnings:
            console.say(f"warning: {warning}")
        console.result(made, "\n".join(_bundle_lines(made)))
        require_passed(made)
    elif isinstance(made, TflmBundle):
        console.result(made, "\n".join(_tflm_lines(made)))
    else:
        console.result(made, "\n".join(_linux_lines(made)))


def _array_result(files: ArrayFiles) -> dict[str, str | int]:
    return {
        "header": str(files.header),
        "source": str(files.source),
        "name": files.name,
        "num_bytes": files.num_bytes,
        "sha256": files.digest,
    }


def _array_lines(files: ArrayFiles) -> list[str]:
    upper = files.name.upper()
    return [
        f"{files.header}, {files.source}: {files.num_bytes:,} bytes, sha256 {files.digest}",
        f'  #include "{files.header.name}"',
        f"  give {files.name} and {upper}_SIZE to the interpreter; compile {files.source.name} with gcc -x c or g++",
        f"  {files.name}_input0_quantize and {files.name}_output0_dequantize are there where the model is quantised",
    ]


def _bundle_lines(made: EmbeddedC) -> list[str]:
    bundle = made.bundle
    return [
        f"{bundle.out}: {bundle.name}.c, weights.c and their self-test",
        f"  RAM    {bundle.arena_bytes:,} bytes of arena (no plan of these operators can be below "
        f"{bundle.lower_bound_bytes:,})",
        *([f"         {bundle.io_bytes:,} bytes of inputs and outputs, the application's"] if bundle.io_bytes else []),
        f"  flash  {bundle.constant_bytes:,} bytes of constants, and the code",
        *_packed_lines(bundle),
        *_kernel_lines(bundle.kernels),
        f"  make -C {bundle.out} test",
        *([] if made.firmware is None else _firmware_lines(made.firmware)),
    ]


def _tflm_lines(bundle: TflmBundle) -> list[str]:
    return [
        f"{bundle.out}: {bundle.name}.cc, {bundle.name}_tflm.cc and a resolver of {len(bundle.methods)} operators",
        f"  flash  {bundle.model_bytes:,} bytes of model, and TensorFlow Lite Micro",
        f"  RAM    {bundle.arena_bytes:,} bytes of arena, a bound; {bundle.planned_bytes:,} of activations",
        f"  cmake -S {bundle.out} -B build -DTFLM_DIR=/path/to/tflm-tree",
    ]


def _linux_lines(bundle: LinuxBundle) -> list[str]:
    return [
        f"{bundle.out}: {bundle.file}, {bundle.model_bytes:,} bytes, with run.py, main.c and {bundle.name}.service",
        f"  pip install -r {bundle.out}/requirements.txt && python {bundle.out}/run.py input.npy",
    ]


def _packed_lines(bundle: Bundle) -> list[str]:
    if not bundle.packed:
        return []
    return [
        f"         {bundle.unpacked_bytes:,} if no weights were packed",
        *(
            f"         {layer.layer}: {layer.packed_bytes:,} of {layer.unpacked_bytes:,}, {layer.form}"
            for layer in bundle.packed
        ),
    ]


def _kernel_lines(kernels: KernelChoice) -> list[str]:
    """Return what share of the multiplications portable C does, and which layers these are."""
    layers = [layer for layer in kernels.portable if layer.macs]
    if not layers:
        return []
    if kernels.family == "portable":
        return [f"  code   portable C: {layers[0].reason}"]
    return [
        f"  code   portable C does {100 * kernels.portable_share:.1f} % of {kernels.macs:,} multiplications:",
        *(f"         {layer.layer}: {100 * layer.share:.1f} %, because {layer.reason}" for layer in layers),
    ]


def _firmware_lines(found: FirmwareRun) -> list[str]:
    return [
        f"on {found.target}, {found.num_vectors} test vectors, {found.num_failed} of them with other bytes:",
        f"  {found.num_instructions:,} instructions an inference (counted by QEMU, which models no time)",
        f"  {found.flash_bytes:,} bytes of flash, with start-up and measuring code",
        f"  {found.ram_bytes:,} bytes of RAM, {found.stack_bytes:,} of them stack",
    ]
