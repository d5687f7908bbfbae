"""A model file as C source: the bytes, aligned, with size, digest and signature beside them."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from pathlib import Path

from edgetool.artifact import Signature, TensorSpec
from edgetool.errors import RunExistsError
from edgetool.store.atomic import write_texts

__all__ = ["ArrayFiles", "array_header", "array_source", "float_literal", "tensor_constants", "write_array"]

ALIGNMENT = 16
BYTES_PER_LINE = 20

#: NumPy's name -> C type of a tensor's elements.
C_TYPES = {
    "float32": "float",
    "float64": "double",
    "int8": "int8_t",
    "uint8": "uint8_t",
    "int16": "int16_t",
    "uint16": "uint16_t",
    "int32": "int32_t",
    "uint32": "uint32_t",
    "int64": "int64_t",
    "uint64": "uint64_t",
    "bool": "uint8_t",
    "float16": "uint16_t",
    "bfloat16": "uint16_t",
}

#: Types that get quantise and dequantise helpers, with their range.
QUANTIZED_RANGES = {"int8": (-128, 127), "uint8": (0, 255), "int16": (-32768, 32767)}


@dataclass(frozen=True, slots=True)
class ArrayFiles:
    """What was written."""

    header: Path
    source: Path
    name: str
    num_bytes: int
    digest: str


def write_array(content: bytes, signature: Signature, *, name: str, out: Path, overwrite: bool) -> ArrayFiles:
    """Write `<name>.h` and `<name>.cc` into the folder `out`.

    Args:
        content: the model file.
        signature: its inputs and outputs.
        name: identifier of C; prefix of everything the header declares.
        out: made if it is not there.
        overwrite: replace files that are there.

    Raises:
        RunExistsError: a file is in the way.
        DiskFullError, OutputFileError: the files cannot be written.
    """
    header, source = out / f"{name}.h", out / f"{name}.cc"
    for path in (header, source):
        if path.exists() and not overwrite:
            raise RunExistsError(
                str(path), found="a file of that name", expected="a new name", next_step="give --overwrite or --name"
            )
    write_texts({header: array_header(content, signature, name=name), source: array_source(content, name=name)})
    return ArrayFiles(header, source, name, len(content), hashlib.sha256(content).hexdigest())


def array_header(content: bytes, signature: Signature, *, name: str) -> str:
    """Return the header: C11 and C++17, no dependency but stddef.h and stdint.h."""
    upper = name.upper()
    digest = hashlib.sha256(content).hexdigest()
    lines = [
        f"/* {name}: a model of {len(content):,} bytes as an array, written by edgetool. C11 and C++17. */",
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
        f"#define {upper}_SIZE {len(content)}u",
        f"#define {upper}_ALIGNMENT {ALIGNMENT}u",
        f'#define {upper}_SHA256 "{digest}"',
        f"#define {upper}_NUM_INPUTS {len(signature.inputs)}",
        f"#define {upper}_NUM_OUTPUTS {len(signature.outputs)}",
        "",
        f"/* The model file, byte for byte; {ALIGNMENT}-byte aligned, as interpreters want it. */",
        f"extern const unsigned char {name}[{upper}_SIZE];",
        "/* SHA-256 of those bytes. */",
        f"extern const unsigned char {name}_sha256[32];",
        "",
    ]
    for kind, specs in (("input", signature.inputs), ("output", signature.outputs)):
        for index, spec in enumerate(specs):
            lines += tensor_constants(name, f"{kind}{index}", spec)
    lines += ["#ifdef __cplusplus", '}  /* extern "C" */', "#endif", "", f"#endif  /* {upper}_H_ */", ""]
    return "\n".join(lines)


def array_source(content: bytes, *, name: str) -> str:
    """Return the source; it compiles as C++ (the suffix) and as C (`gcc -x c`)."""
    digest = hashlib.sha256(content).digest()
    return "\n".join(
        [
            f"/* {name}: written by edgetool; do not edit. */",
            f'#include "{name}.h"',
            "",
            "#ifndef __cplusplus",
            "#include <stdalign.h>",
            "#endif",
            "",
            f"alignas({ALIGNMENT}) const unsigned char {name}[{name.upper()}_SIZE] = {{",
            *_rows(content),
            "};",
            "",
            f"const unsigned char {name}_sha256[32] = {{",
            *_rows(digest),
            "};",
            "",
        ]
    )


def _rows(content: bytes) -> list[str]:
    words = [f"{value}," for value in range(256)]
    return [
        "  " + "".join(words[value] for value in content[start : start + BYTES_PER_LINE])
        for start in range(0, len(content), BYTES_PER_LINE)
    ]


def tensor_constants(name: str, role: str, spec: TensorSpec) -> list[str]:
    """Return constants of C for one input or output, and helpers where it is quantised with one scale."""
    prefix = f"{name.upper()}_{role.upper()}"
    shape = tuple(1 if size < 0 else size for size in spec.shape)
    c_type = C_TYPES.get(spec.dtype, "uint8_t")
    lines = [
        f"/* {role}: {_comment(spec.name)}, {spec.dtype} [{', '.join(str(size) for size in shape)}] */",
        f'#define {prefix}_NAME "{_string(spec.name)}"',
        f'#define {prefix}_DTYPE "{spec.dtype}"',
        f"#define {prefix}_RANK {len(shape)}",
        f"#define {prefix}_SHAPE {{{', '.join(str(size) for size in shape) or '1'}}}",
        f"#define {prefix}_NUM_ELEMENTS {math.prod(shape)}u",
        f"typedef {c_type} {name}_{role}_t;",
    ]
    if len(spec.scale) == 1 and spec.dtype in QUANTIZED_RANGES:
        lines += [
            f"#define {prefix}_SCALE {float_literal(spec.scale[0])}",
            f"#define {prefix}_ZERO_POINT ({spec.zero_point[0]})",
            *_helpers(name, role, prefix, spec.dtype, c_type),
        ]
    return [*lines, ""]


def _helpers(name: str, role: str, prefix: str, dtype: str, c_type: str) -> list[str]:
    low, high = QUANTIZED_RANGES[dtype]
    return [
        "/* round(value / scale) + zero_point, halves away from zero, saturated; not a number gives the zero point. */",
        f"static inline {c_type} {name}_{role}_quantize(float value) {{",
        f"  const float scaled = value / {prefix}_SCALE;",
        "  int32_t rounded = 0;",
        "  if (scaled >= 65536.0f) {",
        "    rounded = 65536;",
        "  } else if (scaled <= -65536.0f) {",
        "    rounded = -65536;",
        "  } else if (scaled == scaled) {",
        "    rounded = (int32_t)(scaled < 0.0f ? scaled - 0.5f : scaled + 0.5f);",
        "  }",
        f"  rounded += {prefix}_ZERO_POINT;",
        f"  return ({c_type})(rounded < {low} ? {low} : (rounded > {high} ? {high} : rounded));",
        "}",
        "/* scale * (value - zero_point) */",
        f"static inline float {name}_{role}_dequantize({c_type} value) {{",
        f"  return {prefix}_SCALE * (float)((int32_t)value - {prefix}_ZERO_POINT);",
        "}",
    ]


def float_literal(value: float) -> str:
    """Return a float literal that reads back as the same float32: 9 significant digits do.

    C99 has no literal for what is infinite, as masks of attention are, or no number: quotients stand for them.
    """
    if math.isnan(value):
        return "(0.0f / 0.0f)"
    if math.isinf(value):
        return "(1.0f / 0.0f)" if value > 0 else "(-1.0f / 0.0f)"
    text = f"{value:.9g}"
    return (text if any(mark in text for mark in ".en") else f"{text}.0") + "f"


def _comment(text: str) -> str:
    return _string(text).replace("*/", "* /").replace("/*", "/ *")


def _string(text: str) -> str:
    """Return text for a C string literal; anything unusual becomes an underscore."""
    return "".join(c if 32 <= ord(c) < 127 and c not in '"\\?' else "_" for c in text)
