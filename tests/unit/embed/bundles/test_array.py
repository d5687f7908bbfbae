"""The text of the generated files; that they compile is tested with real compilers."""

from __future__ import annotations

import hashlib
import math
from pathlib import Path

import pytest

from edgetool.artifact import Signature, TensorSpec
from edgetool.embed.bundles.array import array_header, array_source, float_literal, write_array
from edgetool.errors import RunExistsError

SIGNATURE = Signature(
    (TensorSpec("in*/put", (-1, 2, 3), "int8", (0.1,), (-5,)),), (TensorSpec('out"put', (1, 4), "float32"),)
)


def test_the_header_states_size_digest_and_signature() -> None:
    content = b"abc"
    header = array_header(content, SIGNATURE, name="net")
    assert "#define NET_SIZE 3u" in header
    assert hashlib.sha256(content).hexdigest() in header
    assert "#define NET_INPUT0_SHAPE {1, 2, 3}" in header
    assert "#define NET_INPUT0_SCALE 0.1f" in header or "#define NET_INPUT0_SCALE 0.100000001f" in header
    assert "#define NET_INPUT0_ZERO_POINT (-5)" in header
    assert "net_input0_quantize" in header
    assert "net_output0_quantize" not in header
    assert "in*/put, int8" not in header
    assert '#define NET_OUTPUT0_NAME "out_put"' in header


def test_the_source_holds_every_byte() -> None:
    content = bytes(range(256)) * 3
    source = array_source(content, name="net")
    body = source.split("= {", 1)[1].split("};", 1)[0]
    assert bytes(int(word) for word in body.replace("\n", "").replace(" ", "").split(",") if word) == content


def test_files_in_the_way_are_kept(tmp_path: Path) -> None:
    write_array(b"one", SIGNATURE, name="net", out=tmp_path, overwrite=False)
    before = (tmp_path / "net.cc").read_text()
    with pytest.raises(RunExistsError):
        write_array(b"two", SIGNATURE, name="net", out=tmp_path, overwrite=False)
    assert (tmp_path / "net.cc").read_text() == before
    write_array(b"two", SIGNATURE, name="net", out=tmp_path, overwrite=True)
    assert (tmp_path / "net.cc").read_text() != before


@pytest.mark.parametrize(
    ("value", "literal"),
    [(2.0, "2.0f"), (1e-30, "1e-30f"), (math.inf, "(1.0f / 0.0f)"), (-math.inf, "(-1.0f / 0.0f)")],
)
def test_floats_of_every_kind_have_a_literal(value: float, literal: str) -> None:
    assert float_literal(value) == literal
