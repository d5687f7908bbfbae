"""What `inspect` shows."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgetool.artifact import Provenance
from edgetool.errors import FileFormatError
from edgetool.ir.summary import Summary, describe, read_signature, reading_seconds, summarize
from edgetool.schema import parse

GOLDEN = Path(__file__).parents[2] / "golden" / "models"


def summary(name: str, *, compressed: bool = False) -> Summary:
    path = str(GOLDEN / name)
    return parse(Summary, summarize(path, compressed), source=path, error=FileFormatError)


@pytest.mark.parametrize(
    ("name", "params", "macs"),
    [("tiny_int8.tflite", 124, 336), ("tiny.onnx", 53, 45), ("tiny.keras", 443, 21_642), ("tiny.h5", 443, 21_642)],
)
def test_totals(name: str, params: int, macs: int) -> None:
    found = summary(name)
    assert (found.num_params, found.macs) == (params, macs)
    assert found.num_bytes == (GOLDEN / name).stat().st_size and len(found.digest) == 64
    assert (found.memory is None) == name.startswith(("tiny.k", "tiny.h"))


def test_compressed_sizes_on_request() -> None:
    assert summary("tiny.onnx").compressed is None
    found = summary("tiny.onnx", compressed=True).compressed
    assert found is not None and found.raw == 384 and 0 < found.gzip < 500


def test_the_manifest_gets_what_it_needs() -> None:
    found = describe(GOLDEN / "tiny_int8.tflite", Provenance("parent", "export"))
    assert found.num_params == 124 and found.arena_bytes == 48
    assert found.artifact.format == "tflite" and found.artifact.provenance.parent == "parent"


def test_signatures_tell_scale_and_zero_point() -> None:
    signature = read_signature(GOLDEN / "tiny_int8.tflite")
    assert signature.inputs[0].dtype == "int8" and signature.inputs[0].shape == (-1, 4, 4, 2)
    assert signature.outputs[0].scale == (1 / 256,) and signature.outputs[0].zero_point == (-128,)


def test_larger_files_get_more_time(tmp_path: Path) -> None:
    (tmp_path / "large").write_bytes(bytes(3_000_000))
    assert reading_seconds(tmp_path / "large") == pytest.approx(23.0)
    assert reading_seconds(tmp_path / "none") == 20.0
