"""How an application calls generated C: inputs and outputs in the arena, or buffers of its own."""

from __future__ import annotations

from edgetool.embed.program import Program

__all__ = [
    "buffer_lines",
    "check_lines",
    "fill_lines",
    "io_bytes",
    "parameters",
    "print_lines",
    "run_call",
    "stream_lines",
    "usage_lines",
]


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


def print_lines(program: Program, name: str) -> str:
    """Return the C that prints the bytes of each output."""
    outputs = [f"output{i}" for i in range(len(program.outputs))]
    return "\n".join(
        f"  print_bytes({_where(program, name, role)}, {_count(name, role)} * sizeof({name}_{role}_t));"
        for role in outputs
    )


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
