"""Tell whether a bundle is, byte for byte, what edgetool writes from its model; compiling that runs no foreign code."""

from __future__ import annotations

from pathlib import Path

from edgetool.embed.compiler.context import Context
from edgetool.embed.compiler.pipeline import for_target
from edgetool.embed.emit.codegen import model_header, model_source, weights_source
from edgetool.embed.memory.arena import plan_arena
from edgetool.embed.program import Program

__all__ = ["changed_file", "rewrite"]


def rewrite(name: str, program: Program, *, isa: str, is_packed: bool) -> dict[str, bytes]:
    """Return file name -> content of all that a bundle is compiled from.

    Args:
        name: the bundle's identifier.
        program: lowered from the model, inputs and outputs placed.
        isa: instruction set that the bundle is for.
        is_packed: weights are packed in it.
    """
    written = for_target(program, Context(isa=isa, pack="always" if is_packed else "never"))
    arena = plan_arena(written)
    texts = {
        f"{name}.h": model_header(written, arena, name=name),
        f"{name}.c": model_source(written, arena, name=name),
        "weights.c": weights_source(written, name=name),
    }
    return {file: text.encode("utf-8") for file, text in texts.items()}


def changed_file(bundle: Path, sources: dict[str, bytes]) -> str | None:
    """Return the first of `sources` that is not in the folder as it is, None where all are."""
    for file, content in sources.items():
        try:
            found = (bundle / file).read_bytes()
        except OSError:
            return file
        if found != content:
            return file
    return None
