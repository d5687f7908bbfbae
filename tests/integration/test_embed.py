"""The generated C, compiled and run by gcc and g++."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from edgetool.embed.bundles.bundle import embed_array
from edgetool.ir.summary import read_signature

MODEL = Path(__file__).parents[1] / "golden" / "models" / "tiny_int8.tflite"

MAIN = """
#include <stdio.h>
#include <stdint.h>
#include "net.h"
int main(void) {
  fwrite(net, 1, NET_SIZE, stdout);
  fwrite(net_sha256, 1, 32, stdout);
  if (((uintptr_t)net % NET_ALIGNMENT) != 0) return 3;
  for (int i = -300; i <= 300; ++i) {
    int8_t q = net_input0_quantize((float)i * 0.37f * NET_INPUT0_SCALE);
    fwrite(&q, 1, 1, stdout);
  }
  for (int i = -128; i < 128; ++i) {
    float x = net_output0_dequantize((int8_t)i);
    fwrite(&x, 4, 1, stdout);
  }
  int8_t nan = net_input0_quantize(0.0f / (NET_INPUT0_SCALE - NET_INPUT0_SCALE));
  (void)net_input0_dequantize(nan);
  return net_output0_quantize(1e30f) == 127 && net_output0_quantize(-1e30f) == -128 ? 0 : 4;
}
"""

COMPILERS = {
    "c11": ["gcc", "-std=c11", "-x", "c"],
    "c17": ["gcc", "-std=c17", "-x", "c"],
    "c++17": ["g++", "-std=c++17", "-x", "c++"],
}


@pytest.mark.parametrize("standard", list(COMPILERS))
def test_the_compiled_array_gives_back_the_same_bytes(tmp_path: Path, standard: str) -> None:
    compiler = COMPILERS[standard]
    if shutil.which(compiler[0]) is None:
        pytest.skip(f"{compiler[0]} is not installed: apt-get install build-essential")
    files = embed_array(MODEL, artifact=None, name="net", out=tmp_path, overwrite=False)
    (tmp_path / "main.c").write_text(MAIN)
    flags = ["-Wall", "-Wextra", "-Wconversion", "-Werror", "-fsanitize=undefined", "-fno-sanitize-recover=all"]
    command = [*compiler[:2], *flags, *compiler[2:], str(files.source), str(tmp_path / "main.c")]
    subprocess.run([*command, "-o", str(tmp_path / "program")], check=True, cwd=tmp_path)
    output = subprocess.run([str(tmp_path / "program")], check=True, capture_output=True).stdout

    content = MODEL.read_bytes()
    assert output[: len(content)] == content
    assert output[len(content) : len(content) + 32].hex() == files.digest
    rest = output[len(content) + 32 :]
    signature = read_signature(MODEL)
    spec = signature.inputs[0]
    scale, zero = np.float32(spec.scale[0]), spec.zero_point[0]
    values = np.arange(-300, 301).astype(np.float32) * np.float32(0.37) * scale / scale
    rounded = np.trunc(values + np.copysign(np.float32(0.5), values)) + zero
    expected = np.clip(rounded, -128, 127).astype(np.int8)
    assert np.array_equal(np.frombuffer(rest[:601], np.int8), expected)
    output_spec = signature.outputs[0]
    dequantized = np.float32(output_spec.scale[0]) * (
        np.arange(-128, 128).astype(np.float32) - np.float32(output_spec.zero_point[0])
    )
    assert np.array_equal(np.frombuffer(rest[601:], np.float32), dequantized)
