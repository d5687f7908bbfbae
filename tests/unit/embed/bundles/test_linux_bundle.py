"""The folder for Linux; that its examples run is tests/integration's."""

from __future__ import annotations

import ast
import json
import tomllib
from pathlib import Path

import pytest

from edgetool.artifact import Signature, TensorSpec, digest_path
from edgetool.embed.bundles.check_bundle import bundled_model
from edgetool.embed.bundles.linux_bundle import write_linux_bundle
from edgetool.errors import FileFormatError, RunExistsError, UnsupportedModelError

GOLDEN = Path(__file__).parents[3] / "golden" / "models"
SIGNATURE = Signature(
    (TensorSpec('in"put\u00e4?', (-1, 2, 3), "int8", (0.1,), (-5,)),), (TensorSpec("y", (), "float32"),)
)
COMMON = {
    "signature.json",
    "run.py",
    "requirements.txt",
    "model.h",
    "main.c",
    "CMakeLists.txt",
    "net.service",
    "README.md",
    "bundle.toml",
}


@pytest.mark.parametrize(
    ("file", "own", "package"),
    [
        ("tiny_int8.tflite", {"net.tflite", "litert.c"}, "ai-edge-litert"),
        ("tiny.onnx", {"net.onnx", "onnxruntime.c"}, "onnxruntime"),
    ],
)
def test_a_bundle_is_whole(file: str, own: set[str], package: str, tmp_path: Path) -> None:
    model = GOLDEN / file
    made = write_linux_bundle(
        model, SIGNATURE, format=model.suffix[1:], name="net", out=tmp_path / "b", overwrite=False
    )
    assert {path.name for path in made.out.iterdir()} == COMMON | own
    assert (made.out / made.file).read_bytes() == model.read_bytes() and made.source_sha256 == digest_path(model)
    fields = tomllib.loads((made.out / "bundle.toml").read_text())
    assert fields["runtime"] == "linux" and fields["source"] == file and package in fields["written_beside"]
    assert (made.out / "requirements.txt").read_text().splitlines()[1:] == [package, "numpy"]
    ast.parse((made.out / "run.py").read_text())
    for path in made.out.iterdir():
        if path.name != made.file:
            assert "$name" not in path.read_text() and str(tmp_path) not in path.read_text()


def test_the_signature_is_there_for_python_and_for_c(tmp_path: Path) -> None:
    made = write_linux_bundle(
        GOLDEN / "tiny.onnx", SIGNATURE, format="onnx", name="Net", out=tmp_path / "b", overwrite=False
    )
    fields = json.loads((made.out / "signature.json").read_text())
    assert fields["inputs"][0] == {
        "name": 'in"put\u00e4?',
        "shape": [-1, 2, 3],
        "dtype": "int8",
        "scale": [0.1],
        "zero_point": [-5],
        "quantized_dimension": 0,
    }
    header = (made.out / "model.h").read_text()
    assert r'{"in\042put\303\244\077", 3, 3, {1, 2, 3}, 6},' in header and '{"y", 1, 0, {0}, 4},' in header
    assert "User=net\n" in (made.out / "Net.service").read_text()


def test_what_is_there_stays(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    with pytest.raises(RunExistsError):
        write_linux_bundle(
            GOLDEN / "tiny.onnx", SIGNATURE, format="onnx", name="net", out=tmp_path / "b", overwrite=False
        )
    assert not list((tmp_path / "b").iterdir())


@pytest.mark.parametrize("spec", [TensorSpec("text", (1,), "string"), TensorSpec("deep", (1,) * 9, "int8")])
def test_types_and_ranks_without_an_example_are_refused(spec: TensorSpec, tmp_path: Path) -> None:
    with pytest.raises(UnsupportedModelError, match=spec.name):
        write_linux_bundle(
            GOLDEN / "tiny.onnx", Signature((spec,), ()), format="onnx", name="net", out=tmp_path / "b", overwrite=False
        )
    assert not list(tmp_path.iterdir())


def test_verify_takes_the_file_that_the_bundle_was_written_with(tmp_path: Path) -> None:
    made = write_linux_bundle(
        GOLDEN / "tiny.onnx", SIGNATURE, format="onnx", name="net", out=tmp_path / "b", overwrite=False
    )
    assert bundled_model(made.out) == made.out / "net.onnx"
    (made.out / "net.onnx").write_bytes(b"another")
    with pytest.raises(FileFormatError, match=r"no net\.tflite or net\.onnx of SHA-256"):
        bundled_model(made.out)
