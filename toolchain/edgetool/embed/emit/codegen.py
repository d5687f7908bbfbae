"""C99 from a program: header, code with the kernels that it needs, weights."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path

import numpy as np

from edgetool.artifact import TensorSpec
from edgetool.data.dataset import Array
from edgetool.embed.bundles.array import C_TYPES, float_literal, tensor_constants
from edgetool.embed.emit.calls import parameters
from edgetool.embed.emit.reset import initial_arrays, reset_declaration, reset_function
from edgetool.embed.memory.arena import Arena
from edgetool.embed.program import Fields, Program, Step

__all__ = ["kernel_sources", "model_header", "model_source", "num_constant_bytes", "values", "weights_source"]

KERNELS = Path(__file__).parents[1] / "kernels"

_NEEDS = re.compile(r"^/\* needs: ([a-z0-9_ ]+) \*/\n")

VALUES_PER_LINE = 24


def kernel_sources(names: Iterable[str]) -> list[str]:
    """Return the C of these kernels and of what they need, each once, what is needed first."""
    done: dict[str, str] = {}
    paths = _kernel_paths()

    def add(name: str) -> None:
        if name in done:
            return
        text = paths[name].read_text(encoding="utf-8")
        found = _NEEDS.match(text)
        for needed in found[1].split() if found else []:
            add(needed)
        done[name] = text[found.end() :] if found else text

    for name in names:
        add(name)
    return list(done.values())


@cache
def _kernel_paths() -> dict[str, Path]:
    """Return where the source of each kernel is, by the kernel's name, which is unique over all families."""
    return {path.stem: path for path in KERNELS.glob("*/*.c")}


def model_header(program: Program, arena: Arena, *, name: str) -> str:
    """Return `<name>.h`: sizes, the signature, and the calls of an application."""
    upper = name.upper()
    lines = [
        f"/* {name}: a model as C, written by edgetool from a file of SHA-256",
        f"   {program.source_digest}. C99 and C++17. */",
        f"#ifndef {upper}_H_",
        f"#define {upper}_H_",
        "",
        "#include <stddef.h>",
        "#include <stdint.h>",
        "",
        "#ifdef __cplusplus",
        'extern "C" {',
        "#endif",
        "",
        "/* Static memory for activations; nothing else is written to, and nothing is allocated. */",
        f"#define {upper}_ARENA_BYTES {arena.num_bytes}u",
        f"#define {upper}_NUM_INPUTS {len(program.inputs)}",
        f"#define {upper}_NUM_OUTPUTS {len(program.outputs)}",
        "",
    ]
    for role, names in (("input", program.inputs), ("output", program.outputs)):
        for index, tensor in enumerate(names):
            lines += tensor_constants(name, f"{role}{index}", _spec(program, tensor))
    lines += _calls(program, name)
    lines += ["", "#ifdef __cplusplus", '}  /* extern "C" */', "#endif", "", f"#endif  /* {upper}_H_ */", ""]
    return "\n".join(lines)


def _calls(program: Program, name: str) -> list[str]:
    return [*_run_calls(program, name), *reset_declaration(program, name)]


def _run_calls(program: Program, name: str) -> list[str]:
    if program.io == "caller":
        return [
            "/* One inference, in buffers of the application, which must not overlap; inputs are read, and stay.",
            "   Not reentrant: it works in the arena. */",
            _signature(program, name) + ";",
        ]
    return [
        "/* Where to write inputs, before every run: a run overwrites them. */",
        *(f"{name}_input{index}_t *{name}_input{index}(void);" for index in range(len(program.inputs))),
        "/* One inference. Not reentrant: it works in the arena. */",
        _signature(program, name) + ";",
        "/* Where outputs stand after a run, until the next one or until an input is written. */",
        *(f"const {name}_output{index}_t *{name}_output{index}(void);" for index in range(len(program.outputs))),
    ]


def _signature(program: Program, name: str) -> str:
    return f"void {name}_run({', '.join(parameters(program, name)) or 'void'})"


def model_source(program: Program, arena: Arena, *, name: str) -> str:
    """Return `<name>.c`: kernels, parameters, the arena and `<name>_run`."""
    upper = name.upper()
    lines = [
        f"/* {name}: written by edgetool; do not edit. */",
        f'#include "{name}.h"',
        "",
        "#include <string.h>",
        "",
        "/* NOINLINE: a kernel is one function however many layers call it. Neither need be used. */",
        "#if defined(__GNUC__) && !defined(__clang__)",
        "#define NOINLINE __attribute__((noinline, noclone, unused))",
        "#define INLINE __attribute__((unused)) static inline",
        "#elif defined(__GNUC__)",
        "#define NOINLINE __attribute__((noinline, unused))",
        "#define INLINE __attribute__((unused)) static inline",
        "#else",
        "#define NOINLINE",
        "#define INLINE static inline",
        "#endif",
        "",
        *(text.rstrip("\n") + "\n" for text in kernel_sources(dict.fromkeys(step.kernel for step in program.steps))),
    ]
    for index, step in enumerate(program.steps):
        lines += _declarations(step, index, name)
    symbols = _constant_symbols(program, name)
    for tensor, array in program.constants().items():
        lines.append(f"extern {_declaration(symbols[tensor], array)};")
    if arena.num_bytes:
        lines += [
            "",
            f"static int32_t arena[{upper}_ARENA_BYTES / sizeof(int32_t)];",
            "",
            "static void *at(size_t offset) { return (char *)arena + offset; }",
        ]
    lines += [
        "",
        *(_accesses(program, arena, name) if program.io == "arena" else []),
        *reset_function(program, arena, name),
        f"{_signature(program, name)} {{",
        *(["  if (!is_ready) {", f"    {name}_reset();", "  }"] if program.states else []),
        *(f"  (void){given};" for given in _unread(program)),
        *(
            f"  {_call(program, index, arena, symbols)} /* {_comment(step.layer)} */"
            for index, step in enumerate(program.steps)
        ),
        "}",
        "",
    ]
    return "\n".join(lines)


def weights_source(program: Program, *, name: str) -> str:
    """Return `weights.c`: every constant, in flash."""
    lines = [f"/* {name}: weights, written by edgetool; do not edit. */", "#include <stdint.h>", ""]
    for index, step in enumerate(program.steps):
        lines.append(f"/* {_comment(step.layer)} */")
        for symbol, array in _arrays(step.fields, f"{name}_{index}"):
            lines += _definition(symbol, array)
    for tensor, array in program.constants().items():
        lines += [f"/* {_comment(tensor)} */", *_definition(_constant_symbols(program, name)[tensor], array)]
    for symbol, (state, array) in initial_arrays(program, name).items():
        lines += [f"/* {_comment(state)} */", *_definition(symbol, array)]
    return "\n".join([*lines, ""])


def num_constant_bytes(program: Program) -> int:
    """Return the bytes of all constant arrays."""
    fields = sum(array.nbytes for step in program.steps for _, array in _arrays(step.fields, ""))
    states = sum(array.nbytes for _, array in initial_arrays(program, "").values())
    return fields + states + sum(array.nbytes for array in program.constants().values())


def values(array: Array) -> list[str]:
    """Return the lines of an initialiser."""
    flat = array.reshape(-1)
    words: Sequence[str]
    if array.dtype == np.float32:
        words = [float_literal(float(value)) for value in flat]
    elif array.dtype == np.float64:
        words = [repr(float(value)) for value in flat]
    else:
        words = [_integer(int(value)) for value in flat.tolist()]
    return [
        "  " + ",".join(words[start : start + VALUES_PER_LINE]) + "," for start in range(0, len(words), VALUES_PER_LINE)
    ]


def _declaration(symbol: str, array: Array) -> str:
    return f"const {C_TYPES[str(array.dtype)]} {symbol}[{max(array.size, 1)}]"


def _definition(symbol: str, array: Array) -> list[str]:
    declaration = _declaration(symbol, array)
    return [f"extern {declaration};", f"{declaration} = {{", *values(array), "};"]


def _constant_symbols(program: Program, name: str) -> dict[str, str]:
    """Return the C name of every constant that steps read as an input."""
    return {tensor: f"{name}_constant_{index}" for index, tensor in enumerate(program.constants())}


def _spec(program: Program, tensor: str) -> TensorSpec:
    found = program.tensors[tensor]
    quantization = found.quantization
    scale, zero = ((), ()) if quantization is None else (quantization.scale, quantization.zero_point)
    return TensorSpec(found.name, found.shape, found.dtype, tuple(scale), tuple(zero))


def _declarations(step: Step, index: int, name: str) -> list[str]:
    arrays = _arrays(step.fields, f"{name}_{index}")
    lines = [f"extern {_declaration(symbol, array)};" for symbol, array in arrays]
    code = "\n".join(kernel_sources([step.kernel]))
    initial = _initialiser(code, f"{step.kernel}_t", step.fields, f"{name}_{index}")
    return [*lines, f"static const {step.kernel}_t step_{index} = {initial};"]


def _arrays(fields: Fields, prefix: str) -> list[tuple[str, Array]]:
    """Return symbol and values of every array of a structure."""
    found: list[tuple[str, Array]] = []
    for field, value in fields.items():
        if isinstance(value, dict):
            found += _arrays(value, prefix)
        elif isinstance(value, np.ndarray):
            found.append((f"{prefix}_{field}", value))
    return found


def _initialiser(code: str, kind: str, fields: Fields, prefix: str) -> str:
    """Return the values of a structure in the order in which `code` declares them, as C99 and C++17 both take them."""
    declared = _declared(code, kind)
    assert set(declared) == set(fields), f"{kind}: {set(declared) ^ set(fields)}"
    parts = []
    for field, inner in declared.items():
        value = fields[field]
        if isinstance(value, dict):
            text = _initialiser(code, inner, value, prefix)
        elif isinstance(value, np.ndarray):
            text = f"{prefix}_{field}"
        else:
            text = float_literal(value) if isinstance(value, float) else _integer(int(value))
        parts.append(f"/* {field} */ {text}")
    return "{\n    " + ", ".join(parts) + "}"


def _declared(code: str, kind: str) -> dict[str, str]:
    """Return name and type of the fields of a structure that kernels declare, in order."""
    alias = re.search(rf"^typedef (\w+) {kind};$", code, re.MULTILINE)
    if alias:
        return _declared(code, alias[1])
    found = re.search(rf"typedef struct \{{([^}}]*)\}} {kind};", code)
    assert found is not None, kind
    fields: dict[str, str] = {}
    for declaration in re.sub(r"/\*.*?\*/", "", found[1], flags=re.DOTALL).split(";"):
        words = declaration.replace("*", " ").replace("const ", " ").split(None, 1)
        if words:
            fields |= {name.strip(): words[0] for name in words[1].split(",")}
    return fields


def _integer(value: int) -> str:
    """Return a literal; the smallest int32 has none of its own."""
    return "(-2147483647 - 1)" if value == -(1 << 31) else str(value)


def _unread(program: Program) -> list[str]:
    """Return the parameters that no step reads."""
    read = {program.owner(name) for step in program.steps for name in (*step.inputs, step.output)}
    return [given for tensor, given in program.callers().items() if tensor not in read]


def _accesses(program: Program, arena: Arena, name: str) -> list[str]:
    return [
        *(_access(program, arena, name, "input", index) for index in range(len(program.inputs))),
        *(_access(program, arena, name, "output", index) for index in range(len(program.outputs))),
        "",
    ]


def _access(program: Program, arena: Arena, name: str, role: str, index: int) -> str:
    tensor = (program.inputs if role == "input" else program.outputs)[index]
    const = "const " if role == "output" else ""
    call = f"{name}_{role}{index}"
    offset = arena.offsets[tensor]
    return f"{const}{call}_t *{call}(void) {{ return ({const}{call}_t *)at({offset}); }}"


def _call(program: Program, index: int, arena: Arena, symbols: dict[str, str]) -> str:
    step, callers = program.steps[index], program.callers()
    pointers = []
    for name in step.inputs:
        constant = symbols.get(program.owner(name))
        kind = C_TYPES[program.tensors[name].dtype]
        given = constant or callers.get(program.owner(name))
        pointers.append(given or f"(const {kind} *)at({arena.offsets[name]})")
    kind = C_TYPES[program.tensors[step.output].dtype]
    made = callers.get(program.owner(step.output))
    pointers.append(made or f"({kind} *)at({arena.offsets[step.output]})")
    if step.state:
        kind = C_TYPES[program.tensors[step.state].dtype]
        pointers.append(f"({kind} *)at({arena.offsets[step.state]})")
    if step.has_scratch:
        pointers.append(f"at({arena.scratch[index]})" if arena.num_bytes else "NULL")
    return f"{step.kernel}(&step_{index}, {', '.join(pointers)});"


def _comment(text: str) -> str:
    plain = "".join(c if 32 <= ord(c) < 127 else "_" for c in text)
    return plain.replace("*/", "* /").replace("/*", "/ *")
