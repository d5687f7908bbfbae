"""The last softmax: left out where it is the last, refused where it is not."""

from __future__ import annotations

import dataclasses
import tomllib
from pathlib import Path

import numpy as np
import pytest

from edgetool.embed.bundles.c_bundle import write_bundle
from edgetool.embed.bundles.check_bundle import check_bundle
from edgetool.embed.compiler.passes.drop_softmax import model_file, without_softmax
from edgetool.embed.compiler.pipeline import lower_file
from edgetool.embed.oracle.vectors import random_inputs, reference_vectors
from edgetool.errors import FileFormatError, UsageError
from edgetool.ir.tflite import read_tflite
from edgetool.targets import find_target

GOLDEN = Path(__file__).parents[4] / "golden" / "models"


@pytest.fixture(params=["tiny_int8", "tiny_float32"])
def model(request: pytest.FixtureRequest) -> Path:
    return GOLDEN / f"{request.param}.tflite"


def test_what_the_softmax_was_given_is_the_output(model: Path, tmp_path: Path) -> None:
    before = read_tflite(model)
    (tmp_path / "m.tflite").write_bytes(without_softmax(model))
    after = read_tflite(tmp_path / "m.tflite")
    softmax = before.producers()[before.outputs[0]]
    assert after.outputs == softmax.inputs[:1]
    assert [op.kind for op in after.ops] == [op.kind for op in before.ops if op.kind != "SOFTMAX"]
    with pytest.raises(UsageError, match=r"--drop-softmax: output .* made by FULLY_CONNECTED"):
        without_softmax(tmp_path / "m.tflite")


def test_the_bundle_is_checked_against_the_rest_of_the_model(model: Path, tmp_path: Path) -> None:
    made = write_bundle(
        model, name="net", out=tmp_path / "b", target=find_target("host"), overwrite=False, drop_softmax=True
    )
    assert made.drop_softmax and not [kernel for kernel in made.operators if kernel.startswith("softmax")]
    fields = tomllib.loads((made.out / "bundle.toml").read_text())
    assert fields["drop_softmax"] is True and fields["source_sha256"] == made.source_sha256
    assert made.source_sha256 == lower_file(model).source_digest
    assert "softmax was given" in (made.out / "README.md").read_text()
    assert check_bundle(model, made.out, num_samples=30).num_different == 0
    text = (made.out / "bundle.toml").read_text()
    (made.out / "bundle.toml").write_text(text.replace("drop_softmax = true\n", ""))
    assert check_bundle(model, made.out, num_samples=30, trust=True).num_different > 0


def test_the_class_stays(model: Path) -> None:
    program = lower_file(model)
    inputs = random_inputs(program, 50)
    (probabilities,) = reference_vectors(model, program, inputs).outputs
    with model_file(model, drop_softmax=True) as file:
        (given,) = reference_vectors(file, lower_file(file), inputs).outputs
    assert not np.array_equal(given, probabilities)
    best = given.argmax(axis=-1)
    np.testing.assert_array_equal(np.take_along_axis(probabilities, best[:, None], -1)[:, 0], probabilities.max(-1))


def test_a_softmax_of_the_input_is_all_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    graph = read_tflite(GOLDEN / "tiny_int8.tflite")
    softmax = graph.producers()[graph.outputs[0]]
    alone = dataclasses.replace(graph, ops=(softmax,), inputs=softmax.inputs[:1])
    monkeypatch.setattr("edgetool.embed.compiler.passes.drop_softmax.read_tflite", lambda path: alone)
    with pytest.raises(UsageError, match="of the model's input"):
        without_softmax(GOLDEN / "tiny_int8.tflite")


def test_damage_behind_what_was_read_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def damaged(content: bytes) -> bytes:
        raise ValueError("offset")

    monkeypatch.setattr("edgetool.exporters.tflite.file.unpack", damaged)
    with pytest.raises(FileFormatError, match=r"tiny_int8.tflite: .*ValueError: offset"):
        without_softmax(GOLDEN / "tiny_int8.tflite")


def test_nothing_is_written_where_nothing_is_dropped(model: Path) -> None:
    with model_file(model, drop_softmax=False) as file:
        assert file == model
