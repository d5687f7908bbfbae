"""What an artefact takes on a device without a file system: as generated C, and on TensorFlow Lite Micro."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from edgetool.embed.bundles.tflm_bundle import plan_tflm
from edgetool.embed.compiler.context import Context
from edgetool.embed.compiler.pipeline import for_target, lower_file
from edgetool.embed.emit.codegen import num_constant_bytes
from edgetool.embed.memory.arena import plan_arena
from edgetool.errors import EdgetoolError, InternalError, UsageError
from edgetool.records import RuntimeFit
from edgetool.schema import parse, to_builtins
from edgetool.targets import Target

__all__ = ["EMBEDDED_RUNTIMES", "fit_file", "fit_in_child"]

#: Runtimes of devices that a model is built into.
EMBEDDED_RUNTIMES = ("c", "tflm")


def fit_file(path: Path, runtime: str, target: Target) -> RuntimeFit:
    """Return what the `.tflite` file at `path` takes on a runtime of a device, or why it cannot run there.

    Args:
        path: a `.tflite` file.
        runtime: one of `EMBEDDED_RUNTIMES`.
        target: whose instruction set and flash decide on the layout of weights.

    Raises:
        UsageError: another runtime.
    """
    if runtime not in EMBEDDED_RUNTIMES:
        raise UsageError("runtime", found=repr(runtime), expected="c or tflm", next_step="name one of them")
    try:
        if runtime == "c":
            context = Context(isa=target.isa, flash_bytes=target.flash_bytes, pack="auto")
            program = for_target(lower_file(path), context)
            return RuntimeFit("c", num_constant_bytes(program), plan_arena(program).num_bytes)
        planned = plan_tflm(path)
        return RuntimeFit("tflm", len(planned.content), planned.arena.num_bytes)
    except EdgetoolError as exc:
        return RuntimeFit(runtime, 0, 0, f"{exc.subject}: {exc.found}")


def fit_in_child(path: str, runtime: str, target: Mapping[str, object]) -> dict[str, Any]:
    """Answer `fit_file` in a child process, which a damaged file can hurt alone."""
    device = parse(Target, target, source="target", error=InternalError)
    fields: dict[str, Any] = to_builtins(fit_file(Path(path), runtime, device))
    return fields
