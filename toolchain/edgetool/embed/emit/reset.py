"""The C that puts a model's states back to what they are before the first run."""

from __future__ import annotations

import numpy as np

from edgetool.data.dataset import Array
from edgetool.embed.bundles.array import C_TYPES
from edgetool.embed.memory.arena import Arena
from edgetool.embed.program import Program

__all__ = ["initial_arrays", "reset_declaration", "reset_function"]


def reset_declaration(program: Program, name: str) -> list[str]:
    """Return the lines of the header; none where the model keeps nothing."""
    if not program.states:
        return []
    num_bytes = sum(program.tensors[state].num_bytes for state in program.states)
    return [
        f"/* {len(program.states)} states, {num_bytes} bytes of the arena, live from run to run. Call this before each "
        "new sequence; the",
        "   first run does it by itself. */",
        f"void {name}_reset(void);",
    ]


def reset_function(program: Program, arena: Arena, name: str) -> list[str]:
    """Return the definition of `<name>_reset`: a state of one value is filled with it, others are copied from flash."""
    if not program.states:
        return []
    symbols = {state: symbol for symbol, (state, _) in initial_arrays(program, name).items()}
    lines = ["static int is_ready;", "", f"void {name}_reset(void) {{"]
    for state, values in program.states.items():
        place, tensor = f"at({arena.offsets[state]})", program.tensors[state]
        if state in symbols:
            lines.append(f"  memcpy({place}, {symbols[state]}, {tensor.num_bytes});")
        elif values.size:
            lines.append(f"  memset({place}, {int(values.reshape(-1)[:1].view(np.uint8)[0])}, {tensor.num_bytes});")
    arrays = [
        f"extern const {C_TYPES[str(values.dtype)]} {symbol}[{values.size}];"
        for symbol, (_, values) in initial_arrays(program, name).items()
    ]
    return [*arrays, *lines, "  is_ready = 1;", "}", ""]


def initial_arrays(program: Program, name: str) -> dict[str, tuple[str, Array]]:
    """Return C name -> state and values of those initial values that are not the same byte over and over."""
    found = {}
    for index, (state, values) in enumerate(program.states.items()):
        stored = np.ascontiguousarray(values).reshape(-1)
        if np.unique(stored.view(np.uint8)).size > 1:
            found[f"{name}_state_{index}"] = (state, stored)
    return found
