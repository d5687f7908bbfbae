"""What stays float32 in a quantised file is counted in the file's own operators and told in the headline."""

from __future__ import annotations

import dataclasses

import pytest

from edgetool.artifact import Artifact, Provenance, Signature
from edgetool.records import FLOAT32, INT8, ArtifactRecord, LayerRecord, SizeRecord
from edgetool.report.float_share import FloatShare, float_sentence, float_share

ARTIFACT = ArtifactRecord(
    "a.tflite",
    "a",
    Artifact("a.tflite", "tflite", Signature((), ()), "d" * 64, 9, Provenance("", "export")),
    SizeRecord(9, 9, 9),
    0,
    0,
    9,
    (),
)


def layer(dtype: str, macs: int, num_bytes: int) -> LayerRecord:
    return LayerRecord("layer", "CONV_2D", num_bytes, num_bytes, macs, dtype, INT8 if dtype == "int8" else FLOAT32)


def test_shares_of_multiplications_and_of_bytes() -> None:
    mixed = dataclasses.replace(ARTIFACT, layers=(layer("int8", 300, 20), layer("float32", 100, 80)))
    share = float_share(mixed)
    assert share is not None
    assert (share.macs, share.num_bytes) == (pytest.approx(0.25), pytest.approx(0.8))
    assert float_sentence(mixed) == "25.0 % of its multiplications and 80.0 % of its weights' bytes are float32."


def test_float_files_and_whole_int8_files_have_nothing_to_tell() -> None:
    assert float_share(dataclasses.replace(ARTIFACT, layers=(layer("float32", 9, 9),))) is None
    whole = dataclasses.replace(ARTIFACT, layers=(layer("int8", 300, 20), layer("float32", 0, 1)))
    assert float_share(whole) == FloatShare(0.0, 1 / 21) and float_sentence(whole) == ""
