"""Tell whether a bundle is, byte for byte, what edgetool writes from its model; compiling that runs no foreign code."""

from __future__ import annotations

from pathlib import Path

from edgetool.embed.arena import plan_arena
from edgetool.embed.codegen import model_header, model_source, weights_source
from edgetool.embed.pack import dense_for, pack
from edgetool.embed.program import Program

__all__ = ["changed_file"]


def changed_file(bundle: Path, name: str, program: Program, *, isa: str, is_packed: bool) -> str | None:
    """Return the first source of a bundle that is not what is written from its model, None where all are.

    Args:
        bundle: the folder.
        name: its identifier.
        program: lowered from the model, inputs and outputs placed.
        isa: instruction set that the bundle is for.
        is_packed: weights are packed in it.
    """
    written = pack(program, isa).program if is_packed else dense_for(program, isa)
    arena = plan_arena(written)
    texts = {
        f"{name}.h": model_header(written, arena, name=name),
        f"{name}.c": model_source(written, arena, name=name),
        "weights.c": weights_source(written, name=name),
    }
    for file, text in texts.items():
        try:
            found = (bundle / file).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            return file
        if found != text:
            return file
    return None
