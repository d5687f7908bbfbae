"""ONNX files that the passes over graphs cannot look into, and weights that lie beside the file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from edgetool.errors import FileFormatError, UnsupportedModelError
from edgetool.importers import onnx as onnx_importer
from edgetool.importers.base import ImportOptions
from edgetool.importers.onnx import load_onnx
from edgetool.passes.frozen import FrozenModel


def save(path: Path, *nodes: onnx.NodeProto, domains: tuple[str, ...] = ()) -> Path:
    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", 64]) for name in "xy")
    weights = numpy_helper.from_array(np.eye(64, dtype=np.float32), "w")
    graph = helper.make_graph(list(nodes), "net", [x], [y], [weights])
    opsets = [helper.make_opsetid("", 18), *(helper.make_opsetid(domain, 1) for domain in domains)]
    path.write_bytes(helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString())
    return path


def test_inner_graphs_are_refused(tmp_path: Path) -> None:
    branch = helper.make_graph([helper.make_node("Identity", ["x"], ["z"])], "b", [], [onnx.ValueInfoProto(name="z")])
    node = helper.make_node("If", ["c"], ["y"], name="choice", then_branch=branch, else_branch=branch)
    with pytest.raises(UnsupportedModelError, match="choice: If, which holds a graph") as caught:
        load_onnx(save(tmp_path / "m.onnx", node), ImportOptions())
    assert "fixed shapes" in caught.value.next_step


def test_foreign_operators_are_refused(tmp_path: Path) -> None:
    node = helper.make_node("Mystery", ["x"], ["y"], domain="vendor")
    with pytest.raises(UnsupportedModelError, match="vendor::Mystery"):
        load_onnx(save(tmp_path / "m.onnx", node, domains=("vendor",)), ImportOptions())


def test_weights_beside_the_file_are_taken_in(tmp_path: Path) -> None:
    model = onnx.load(save(tmp_path / "m.onnx", helper.make_node("MatMul", ["x", "w"], ["y"])))
    onnx.save(model, tmp_path / "big.onnx", save_as_external_data=True, location="w.bin", size_threshold=0)
    found = load_onnx(tmp_path / "big.onnx", ImportOptions())
    assert isinstance(found.model, FrozenModel) and found.num_params == 4096
    whole = onnx.load_from_string(found.model.content("onnx"))
    assert np.array_equal(numpy_helper.to_array(whole.graph.initializer[0]), np.eye(64))
    (tmp_path / "w.bin").unlink()
    with pytest.raises(FileFormatError, match=r"big\.onnx"):
        load_onnx(tmp_path / "big.onnx", ImportOptions())


def test_a_type_without_kernels_is_run_in_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: object) -> tuple[np.ndarray, ...]:
        raise UnsupportedModelError("d.onnx", found="no kernel", expected="one", next_step="")

    monkeypatch.setattr(onnx_importer, "run_content", lambda content, inputs: (content, *inputs))
    one = np.ones(1)
    assert onnx_importer._run_either(refuse, b"narrow", (one,)) == (b"narrow", one)
    assert onnx_importer._run_either(lambda inputs: inputs, b"narrow", (one,)) == (one,)
