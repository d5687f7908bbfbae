"""How an application calls generated C: inputs and outputs in the arena, or buffers of its own."""

from __future__ import annotations

import dataclasses

from edgetool.embed.ops.checks import SUFFIXES
from edgetool.embed.program import Program, Step
from edgetool.errors import UnsupportedModelError, UsageError, nearest
from edgetool.ir.graph import Tensor

__all__ = [
    "IO",
    "buffer_lines",
    "check_lines",
    "fill_lines",
    "io_bytes",
    "parameters",
    "place_io",
    "run_call",
    "stream_lines",
    "usage_lines",
]

#: Where inputs and outputs lie: in the model's arena, or in buffers that the application passes to every run.
IO = ("arena", "caller")


def place_io(program: Program, io: str) -> Program:
    """Return the program with its inputs and outputs in one of the places of `IO`.

    With `caller` every output has memory of its own: where it is an input seen in another shape, a constant, or the
    memory of another output, a copy is made at the end.

    Raises:
        UsageError: another word.
        UnsupportedModelError: a copy of a type that no kernel is for.
    """
    if io not in IO:
        raise UsageError(f"--io {io}", found="no such choice", expected=", ".join(IO), next_step=nearest(io, [*IO]))
    if io == "arena":
        return program
    tensors, aliases, steps = dict(program.tensors), dict(program.aliases), list(program.steps)
    taken = {program.owner(name) for name in program.inputs} | {*program.constants()}
    outputs = []
    for index, name in enumerate(program.outputs):
        root = program.owner(name)
        if root not in taken and tensors[root].constant is None:
            taken.add(root)
            outputs.append(name)
            continue
        own = f"{name} (output {index})"
        tensors[own] = dataclasses.replace(tensors[name], name=own, constant=None)
        steps.append(_copy(name, tensors[own]))
        outputs.append(own)
    return dataclasses.replace(
        program, tensors=tensors, aliases=aliases, steps=tuple(steps), outputs=tuple(outputs), io="caller"
    )


def _copy(source: str, result: Tensor) -> Step:
    suffix = SUFFIXES.get(result.dtype)
    if suffix is None:
        raise UnsupportedModelError(
            source,
            found=f"an output of {result.dtype} that is another tensor's memory",
            expected=f"one of {', '.join(SUFFIXES)}",
            next_step="--io arena",
        )
    ones = {f"n{axis}": 1 for axis in range(4)}
    strides = {f"{end}{axis}": int(axis == 4) for end in ("from", "to") for axis in range(5)}
    fields = {**ones, "n4": result.num_elements, "from": 0, "to": 0, **strides}
    return Step(result.name, f"copy_{suffix}", (source,), result.name, {**fields})


def io_bytes(program: Program) -> int:
    """Return the bytes of the buffers that the application has; 0 where inputs and outputs lie in the arena."""
    if program.io == "arena":
        return 0
    return sum(program.tensors[name].num_bytes for name in (*program.inputs, *program.outputs))


def parameters(program: Program, name: str) -> list[str]:
    """Return the parameters of `<name>_run`."""
    if program.io == "arena":
        return []
    return [f"const {name}_input{i}_t *input{i}" for i in range(len(program.inputs))] + [
        f"{name}_output{i}_t *output{i}" for i in range(len(program.outputs))
    ]


def run_call(program: Program, name: str) -> str:
    """Return the call of `<name>_run`, with the buffers of `buffer_lines`."""
    if program.io == "arena":
        return f"{name}_run()"
    given = [f"input{i}" for i in range(len(program.inputs))] + [f"output{i}" for i in range(len(program.outputs))]
    return f"{name}_run({', '.join(given)})"


def buffer_lines(program: Program, name: str) -> str:
    """Return the C that declares the application's buffers; nothing where inputs and outputs lie in the arena."""
    if program.io == "arena":
        return ""
    roles = [f"input{i}" for i in range(len(program.inputs))] + [f"output{i}" for i in range(len(program.outputs))]
    lines = [f"static {name}_{role}_t {role}[{_count(name, role)}];" for role in roles]
    return "\n".join([*lines, "", ""])


def fill_lines(program: Program, name: str) -> str:
    """Return the C that copies test vector `index` into the inputs; states begin anew with the first."""
    begin = [f"  if (index == 0) {{ {name}_reset(); }}"] if program.states else []
    copies = [
        f"  memcpy({_where(program, name, f'input{i}')}, test_input{i}[index], sizeof test_input{i}[index]);"
        for i in range(len(program.inputs))
    ]
    return "\n".join([*begin, *copies])


def check_lines(program: Program, name: str) -> str:
    """Return the C that counts in `num_wrong` the outputs that differ from those of test vector `index`."""
    lines = []
    for i, tensor in enumerate(program.outputs):
        outputs = f"{_where(program, name, f'output{i}')}, test_output{i}[index]"
        if program.tensors[tensor].dtype == "float32":
            lines.append(
                f"  num_wrong += !test_is_close({outputs}, {_count(name, f'output{i}')}, TEST_OUTPUT{i}_TOLERANCE);"
            )
        else:
            lines.append(f"  num_wrong += memcmp({outputs}, sizeof test_output{i}[index]) != 0;")
    return "\n".join(lines)


def stream_lines(program: Program, name: str) -> tuple[str, str]:
    """Return the C that reads the inputs from standard input, and that which writes the outputs."""
    read = [
        f"    if (fread({_where(program, name, f'input{i}')}, sizeof({name}_input{i}_t), {_count(name, f'input{i}')}, "
        f"stdin) != {_count(name, f'input{i}')}) {{ return 0; }}"
        for i in range(len(program.inputs))
    ]
    write = [
        f"    if (fwrite({_where(program, name, f'output{i}')}, sizeof({name}_output{i}_t), "
        f"{_count(name, f'output{i}')}, stdout) != {_count(name, f'output{i}')}) {{ return 1; }}"
        for i in range(len(program.outputs))
    ]
    return "\n".join(read), "\n".join(write)


def usage_lines(program: Program, name: str) -> str:
    """Return the C of an inference, for people."""
    filled = [
        f"fill({_where(program, name, f'input{i}')}, {_count(name, f'input{i}')});" for i in range(len(program.inputs))
    ]
    used = [
        f"use({_where(program, name, f'output{i}')}, {_count(name, f'output{i}')});"
        for i in range(len(program.outputs))
    ]
    if program.io == "arena":
        filled[0] += "   /* before every run: a run overwrites its inputs */"
    begin = [f"{name}_reset();   /* before the first run of a sequence: the model keeps states */"]
    lines = [*(begin if program.states else []), *filled, f"{run_call(program, name)};", *used]
    return buffer_lines(program, name) + "\n".join(lines)


def _where(program: Program, name: str, role: str) -> str:
    return f"{name}_{role}()" if program.io == "arena" else role


def _count(name: str, role: str) -> str:
    return f"{name.upper()}_{role.upper()}_NUM_ELEMENTS"
