"""`edgetool embed`: which device and runtime the options name, and what is written for them."""

from __future__ import annotations

from pathlib import Path

from edgetool.embed.bundles.array import ArrayFiles
from edgetool.embed.bundles.bundle import EmbeddedC, embed_array, embed_c, embed_linux, embed_tflm, run_target
from edgetool.embed.bundles.linux_bundle import LinuxBundle
from edgetool.embed.bundles.tflm_bundle import TflmBundle
from edgetool.errors import UsageError, nearest
from edgetool.options.commands import EmbedOptions
from edgetool.options.groups import TargetOptions
from edgetool.targets import DEFAULT_TARGET, Target, choose_target

__all__ = ["RUNTIMES", "embed_model"]

RUNTIMES = ("array", "c", "tflm", "linux")

DEFAULT_FOLDER = "bundle"


def embed_model(options: EmbedOptions) -> ArrayFiles | EmbeddedC | TflmBundle | LinuxBundle:
    """Write a model for a device.

    Raises:
        UsageError: an unknown runtime, or an option that the runtime has not.
        EdgetoolError: the model cannot be embedded so, or the folder is not free.
    """
    model = Path(options.model)
    device, runtime = _place(model, options)
    _require_options_of(runtime, options)
    out, overwrite = Path(options.output.out or DEFAULT_FOLDER), options.output.overwrite
    artifact, name = options.artifact, options.name
    if runtime == "array":
        return embed_array(model, artifact=artifact, name=name, out=out, overwrite=overwrite)
    if runtime == "tflm":
        return embed_tflm(model, artifact=artifact, name=name, out=out, target=device, overwrite=overwrite)
    if runtime == "linux":
        return embed_linux(model, artifact=artifact, name=name, out=out, overwrite=overwrite)
    return embed_c(
        model,
        artifact=artifact,
        name=name,
        out=out,
        target=device,
        overwrite=overwrite,
        run=options.run,
        pack=options.pack,
        num_vectors=options.vectors,
        optimize=options.optimize,
        io=options.io,
        drop_softmax=options.drop_softmax,
    )


def _place(model: Path, options: EmbedOptions) -> tuple[Target, str]:
    """Return the device and the runtime: those of the options, else those that the run was made for."""
    is_stated = options.target != TargetOptions()
    device = choose_target(options.target) if is_stated else run_target(model) or choose_target(options.target)
    if options.runtime is not None:
        return device, options.runtime
    if device.name == DEFAULT_TARGET:
        return device, "array"
    return device, device.runtimes[0] if device.runtimes[0] in RUNTIMES else "linux"


def _require_options_of(runtime: str, options: EmbedOptions) -> None:
    """Refuse an unknown runtime, and options of generated C for another one."""
    stated = {"--run": options.run, "--io": options.io != "arena", "--drop-softmax": options.drop_softmax}
    alone = next((option for option, is_stated in stated.items() if is_stated), None)
    if alone is not None and runtime != "c":
        raise UsageError(
            alone,
            found=f"--runtime {runtime}",
            expected="--runtime c, which alone has it",
            next_step=f"give --runtime c, or leave {alone} out",
        )
    if runtime not in RUNTIMES:
        raise UsageError(
            f"--runtime {runtime}",
            found="no such runtime",
            expected=f"one of {', '.join(RUNTIMES)}",
            next_step=nearest(runtime, list(RUNTIMES)),
        )
