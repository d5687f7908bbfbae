"""`edgetool embed`: a model for a device."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from edgetool.cli.console import (
    ClockOption,
    Console,
    DebugOption,
    FlashOption,
    JsonOption,
    OutOption,
    OverwriteOption,
    RamOption,
    TargetOption,
)
from edgetool.targets import DEFAULT_TARGET, TargetOptions

if TYPE_CHECKING:
    from pathlib import Path

    from edgetool.embed.backends.portable_layers import KernelChoice
    from edgetool.embed.boards.firmware import FirmwareRun
    from edgetool.embed.bundles.array import ArrayFiles
    from edgetool.embed.bundles.bundle import EmbeddedC
    from edgetool.embed.bundles.c_bundle import Bundle
    from edgetool.embed.bundles.linux_bundle import LinuxBundle
    from edgetool.embed.bundles.tflm_bundle import TflmBundle
    from edgetool.targets import Target

RUNTIMES = ("array", "c", "tflm", "linux")


def embed(
    model: Annotated[str, typer.Argument(help="A .tflite or .onnx file, or a run folder (its recommended artefact).")],
    runtime: Annotated[
        str | None,
        typer.Option(
            "--runtime",
            help="array: the file's bytes as a C array; c: C without an interpreter; tflm: for TensorFlow Lite "
            "Micro; linux: for a board with LiteRT or onnxruntime. Default: the first that --target has, else array.",
        ),
    ] = None,
    target: TargetOption = None,
    flash: FlashOption = None,
    ram: RamOption = None,
    clock: ClockOption = None,
    run: Annotated[
        bool, typer.Option("--run", help="Of --runtime c: build firmware and run its test vectors in QEMU.")
    ] = False,
    optimize: Annotated[
        str, typer.Option("--optimize", help="Of --runtime c: size (packs weights too), balanced or speed.")
    ] = "speed",
    vectors: Annotated[
        int, typer.Option("--vectors", min=1, max=1000, help="Of --runtime c: how many inputs the self-test runs.")
    ] = 4,
    pack: Annotated[
        str,
        typer.Option(
            "--pack", help="Of --runtime c, weights packed in flash: always, never, auto: where needed to fit."
        ),
    ] = "auto",
    io: Annotated[
        str,
        typer.Option(
            "--io",
            help="Of --runtime c, inputs and outputs: arena: in the model's memory; caller: buffers that the "
            "application passes to every run.",
        ),
    ] = "arena",
    drop_softmax: Annotated[
        bool,
        typer.Option(
            "--drop-softmax", help="Of --runtime c: leave out the last softmax; outputs are what it was given."
        ),
    ] = False,
    artifact: Annotated[str | None, typer.Option("--artifact", help="Which artefact of a run folder.")] = None,
    name: Annotated[str | None, typer.Option("--name", help="C identifier; default: from the file's name.")] = None,
    out: OutOption = None,
    overwrite: OverwriteOption = False,
    json_output: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Write MODEL for a device: as C, for TensorFlow Lite Micro, or as a folder for a board with Linux."""
    from pathlib import Path

    from edgetool.embed.bundles.bundle import embed_array, embed_c, embed_linux, embed_tflm, require_passed
    from edgetool.errors import UsageError, nearest

    device, runtime = _place(Path(model), runtime, TargetOptions(target, flash, ram, clock))
    given = {"--run": run, "--io": io != "arena", "--drop-softmax": drop_softmax}
    alone = next((option for option, is_given in given.items() if is_given), None)
    if alone is not None and runtime != "c":
        raise UsageError(
            alone,
            found=f"--runtime {runtime}",
            expected="--runtime c, which alone has it",
            next_step=f"give --runtime c, or leave {alone} out",
        )
    console, folder = Console(json_output=json_output), Path(out or "bundle")
    if runtime == "array":
        files = embed_array(Path(model), artifact=artifact, name=name, out=folder, overwrite=overwrite)
        console.result(_array_result(files), "\n".join(_array_lines(files)))
    elif runtime == "c":
        made = embed_c(
            Path(model),
            artifact=artifact,
            name=name,
            out=folder,
            target=device,
            overwrite=overwrite,
            run=run,
            pack=pack,
            num_vectors=vectors,
            optimize=optimize,
            io=io,
            drop_softmax=drop_softmax,
        )
        for warning in made.bundle.warnings:
            console.say(f"warning: {warning}")
        console.result(made, "\n".join(_bundle_lines(made)))
        require_passed(made)
    elif runtime == "tflm":
        tflm = embed_tflm(Path(model), artifact=artifact, name=name, out=folder, target=device, overwrite=overwrite)
        console.result(tflm, "\n".join(_tflm_lines(tflm)))
    elif runtime == "linux":
        board = embed_linux(Path(model), artifact=artifact, name=name, out=folder, overwrite=overwrite)
        console.result(board, "\n".join(_linux_lines(board)))
    else:
        raise UsageError(
            f"--runtime {runtime}",
            found="no such runtime",
            expected=f"one of {', '.join(RUNTIMES)}",
            next_step=nearest(runtime, list(RUNTIMES)),
        )


def _place(model: Path, runtime: str | None, options: TargetOptions) -> tuple[Target, str]:
    """Return the device and the runtime: those of the options, else those that the run was made for."""
    from edgetool.embed.bundles.bundle import run_target
    from edgetool.targets import choose_target

    is_stated = options != TargetOptions()
    device = choose_target(options) if is_stated else run_target(model) or choose_target(options)
    if runtime is not None:
        return device, runtime
    if device.name == DEFAULT_TARGET:
        return device, "array"
    return device, device.runtimes[0] if device.runtimes[0] in RUNTIMES else "linux"


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
