"""The folder for TFLite Micro; compilers are tests/integration's."""

from __future__ import annotations

import dataclasses
import tomllib
from pathlib import Path

import pytest

from edgetool.embed.bundles.tflm_bundle import write_tflm_bundle
from edgetool.errors import BudgetError, RunExistsError
from edgetool.targets import find_target

MODEL = Path(__file__).parents[3] / "golden" / "models" / "tiny_int8.tflite"
FILES = {"net.h", "net.cc", "net_tflm.h", "net_tflm.cc", "main.cc", "CMakeLists.txt", "README.md", "bundle.toml"}


def test_a_bundle_is_whole(tmp_path: Path) -> None:
    made = write_tflm_bundle(MODEL, name="net", out=tmp_path / "b", target=find_target("host"), overwrite=False)
    assert {path.name for path in (tmp_path / "b").iterdir()} == FILES
    fields = tomllib.loads((tmp_path / "b" / "bundle.toml").read_text())
    assert fields["runtime"] == "tflm" and fields["source_sha256"] == made.source_sha256
    assert fields["resolver"] == list(made.methods) and fields["operators"]["CONV_2D"] == 1
    assert fields["arena_bytes"] == made.arena_bytes > made.planned_bytes == fields["planned_bytes"]
    glue = (tmp_path / "b" / "net_tflm.cc").read_text()
    assert "MicroMutableOpResolver<4>" in glue and glue.count("resolver->Add") == 4
    assert f"#define NET_ARENA_BYTES {made.arena_bytes}u" in (tmp_path / "b" / "net_tflm.h").read_text()
    for path in (tmp_path / "b").iterdir():
        assert "$name" not in path.read_text() and str(tmp_path) not in path.read_text()


def test_what_is_there_stays(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    with pytest.raises(RunExistsError):
        write_tflm_bundle(MODEL, name="net", out=tmp_path / "b", target=find_target("host"), overwrite=False)
    assert not list((tmp_path / "b").iterdir())


@pytest.mark.parametrize(("field", "what"), [("flash_bytes", "flash"), ("ram_bytes", "RAM")])
def test_a_budget_that_is_too_small_is_an_error(tmp_path: Path, field: str, what: str) -> None:
    small = dataclasses.replace(find_target("host"), **{field: 10})
    with pytest.raises(BudgetError, match=what):
        write_tflm_bundle(MODEL, name="net", out=tmp_path / "b", target=small, overwrite=False)
    assert not list(tmp_path.iterdir())


def test_sizes_that_the_signature_leaves_open_are_those_stored(tmp_path: Path) -> None:
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    def write(signature: list[int]) -> Path:
        model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(MODEL.read_bytes(), 0))
        graph = model.subgraphs[0]
        for tensor in (graph.tensors[index] for op in graph.operators for index in op.outputs):
            tensor.shapeSignature = [*signature, *list(tensor.shape)[len(signature) :]]
        builder = flatbuffers.Builder(1024)
        builder.Finish(model.Pack(builder), b"TFL3")
        path = tmp_path / f"{len(signature)}.tflite"
        path.write_bytes(bytes(builder.Output()))
        return path

    fixed, opened = (
        write_tflm_bundle(path, name="net", out=tmp_path / path.stem, target=find_target("host"), overwrite=False)
        for path in (write([]), write([-1, -1]))
    )
    assert fixed.planned_bytes == opened.planned_bytes and fixed.arena_bytes == opened.arena_bytes
    assert "SHAPE {1, 3}" in (opened.out / "net.h").read_text()
