"""Write the inputs and expected outputs that a bundle of C is tested on as a header."""

from __future__ import annotations

import numpy as np

from edgetool.data.dataset import Array
from edgetool.embed.bundles.array import C_TYPES, float_literal
from edgetool.embed.emit.codegen import values
from edgetool.embed.oracle.vectors import Vectors

__all__ = ["vectors_header"]

#: How the test compares outputs that are floats.
IS_CLOSE = """static int test_is_close(const float *found, const float *expected, size_t count, float tolerance) {
  int is_close = 1;
  for (size_t i = 0; i < count; ++i) {
    const float distance = found[i] < expected[i] ? expected[i] - found[i] : found[i] - expected[i];
    const int is_same = found[i] == expected[i] || (found[i] != found[i] && expected[i] != expected[i]);
    is_close = is_close && (is_same || distance <= tolerance); /* not a number is close to itself alone */
  }
  return is_close;
}"""


def vectors_header(vectors: Vectors, oracle: str) -> str:
    """Return `test_vectors.h`: inputs, expected outputs, and how far from them floats may be.

    Args:
        vectors: as many samples of each input as of each output.
        oracle: what made the outputs, for the comment.
    """
    has_floats = any(array.dtype == np.float32 for array in vectors.outputs)
    limits = [vectors.limit(index) for index in range(len(vectors.outputs))]
    rule = f"within {max(limits):.1g} of the largest output" if has_floats else "bit for bit"
    lines = [
        f"/* Test vectors, written by edgetool: inputs, and what {oracle} made of them. */",
        "#ifndef TEST_VECTORS_H_",
        "#define TEST_VECTORS_H_",
        "#include <stddef.h>",
        "#include <stdint.h>",
        f"#define TEST_NUM_VECTORS {len(vectors.inputs[0])}",
        f'#define TEST_RULE "{rule}"',
        "/* In a section of their own where a size is measured: a product does not ship them. */",
        "#ifdef TEST_VECTORS_IN_SECTION",
        '#define TEST_VECTOR __attribute__((section(".test_vectors")))',
        "#else",
        "#define TEST_VECTOR",
        "#endif",
    ]
    for role, arrays in (("input", vectors.inputs), ("output", vectors.outputs)):
        for index, array in enumerate(arrays):
            lines += _vector(f"test_{role}{index}", array)
    for index, array in enumerate(vectors.outputs):
        if array.dtype == np.float32:
            tolerance = float_literal(limits[index] * float(np.abs(array[np.isfinite(array)]).max(initial=0.0)))
            lines.append(f"#define TEST_OUTPUT{index}_TOLERANCE {tolerance}")
    lines += [IS_CLOSE] if has_floats else []
    return "\n".join([*lines, "#endif", ""])


def _vector(symbol: str, array: Array) -> list[str]:
    kind, size = C_TYPES[str(array.dtype)], array[0].size
    return [f"TEST_VECTOR static const {kind} {symbol}[TEST_NUM_VECTORS][{size}] = {{", *_rows(array), "};"]


def _rows(array: Array) -> list[str]:
    return [line for sample in array for line in ("{", *values(sample), "},")]
