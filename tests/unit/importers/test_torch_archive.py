"""Archives of torch.export: what holds no code is kept, everything else is refused before torch reads it."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from edgetool.errors import EdgetoolError, FileFormatError, UnsupportedModelError, UntrustedModelError
from edgetool.importers.torch_archive import read_program


def program(**changes: Any) -> dict[str, Any]:
    node = {
        "target": "torch.ops.aten.relu.default",
        "inputs": [{"name": "self", "arg": {"as_tensor": {"name": "x"}}, "kind": 1}],
        "outputs": [{"as_tensor": {"name": "relu"}}],
        "metadata": {"stack_trace": "line 1", "source_fn_stack": "relu,os.system"},
        "name": "relu",
    }
    size = {"as_expr": {"expr_str": "Symbol('s31', positive=True, integer=True)", "hint": {"as_int": 2}}}
    graph = {"nodes": [{**node, **changes}], "tensor_values": {"x": {"sizes": [size, {"as_int": 8}]}}}
    return {"graph_module": {"graph": graph}, "guards_code": ["__import__('os').system('true')"]}


def archive(
    path: Path,
    model: Any = None,
    weights: dict[str, Any] | None = None,
    constants: dict[str, Any] | None = None,
    **extra: str,
) -> Path:
    entries = {
        "archive_format": "pt2",
        "archive_version": "0",
        "byteorder": "little",
        ".data/version": "6",
        "models/model.json": json.dumps(program() if model is None else model),
        "data/weights/model_weights_config.json": json.dumps({"config": weights or {}}),
        "data/weights/weight_0": "1234",
        "data/constants/model_constants_config.json": json.dumps({"config": constants or {}}),
        "data/sample_inputs/model.pt": "a pickle",
        **extra,
    }
    with zipfile.ZipFile(path, "w") as target:
        for name, content in entries.items():
            target.writestr(f"net/{name}", content)
    return path


PLAIN = {"0.weight": {"path_name": "weight_0", "is_param": True, "use_pickle": False}}


def test_a_plain_program_is_kept_without_what_would_run(tmp_path: Path) -> None:
    kept = read_program(archive(tmp_path / "m.pt2", weights=PLAIN))
    assert "data/weights/weight_0" in kept and "data/sample_inputs/model.pt" not in kept
    model = json.loads(kept["models/model.json"])
    assert model["guards_code"] == []
    (node,) = model["graph_module"]["graph"]["nodes"]
    assert node["metadata"] == {} and node["target"] == "torch.ops.aten.relu.default"


@pytest.mark.parametrize(
    "target",
    [
        "torch.hub.load",
        "torch.ops.aten.from_file",
        "_operator.attrgetter",
        "#module:f",
        "torch.ops.vendor.relu",
        "torch.ops.aten.__class__",
        "os.system",
    ],
)
def test_operators_outside_torch_are_refused(target: str, tmp_path: Path) -> None:
    with pytest.raises(UntrustedModelError, match="outside torch") as caught:
        read_program(archive(tmp_path / "m.pt2", program(target=target)))
    assert "--trust" in caught.value.next_step


@pytest.mark.parametrize(
    "target",
    [
        "torch.ops.aten.conv2d.default",
        "torch.ops.aten._softmax.default",
        "_operator.getitem",
        "torch.sym_size",
        "math.floor",
        "torch.ops.higher_order.cond",
    ],
)
def test_operators_of_torch_are_taken(target: str, tmp_path: Path) -> None:
    read_program(archive(tmp_path / "m.pt2", program(target=target)))


def test_names_that_would_become_code_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UntrustedModelError, match="no identifier"):
        read_program(archive(tmp_path / "m.pt2", program(name="x=__import__('os')")))


@pytest.mark.parametrize(
    ("expression", "plain"),
    [
        ("Add(Symbol('s0', integer=True), Integer(-1))", True),
        ("s0 + 1", True),
        ("Max(1, s3)", True),
        ("__import__('os').system('true')", False),
        ("exec('pass')", False),
        ("s0.__class__", False),
        ("Symbol('a b')", False),
        ("[s0 for s0 in s1]", False),
        ("s0 +", False),
        ("lambda: s0", False),
    ],
)
def test_sizes_are_plain_expressions(expression: str, plain: bool, tmp_path: Path) -> None:
    model = program()
    model["graph_module"]["graph"]["tensor_values"]["x"]["sizes"][0]["as_expr"]["expr_str"] = expression
    path = archive(tmp_path / "m.pt2", model)
    if plain:
        read_program(path)
        return
    with pytest.raises(UntrustedModelError, match="no plain expression"):
        read_program(path)


@pytest.mark.parametrize(
    ("weights", "constants"),
    [
        ({"w": {"path_name": "weight_0", "use_pickle": True}}, None),
        (None, {"c": {"path_name": "custom_obj_0", "use_pickle": True}}),
        (None, {"c": {"path_name": "opaque_obj_0", "use_pickle": False}}),
        ({"w": {"path_name": "../../weight_0", "use_pickle": False}}, None),
    ],
)
def test_pickled_tensors_and_objects_are_refused(weights: Any, constants: Any, tmp_path: Path) -> None:
    with pytest.raises(UntrustedModelError, match="pickle"):
        read_program(archive(tmp_path / "m.pt2", weights=weights, constants=constants))


@pytest.mark.parametrize(
    "name", ["data/aotinductor/model/x.so", "data/weights/model.pt", "data/constants/custom_obj_0"]
)
def test_entries_that_run_are_refused_by_name(name: str, tmp_path: Path) -> None:
    with pytest.raises(UntrustedModelError, match=name):
        read_program(archive(tmp_path / "m.pt2", **{name: "x"}))


def test_several_programs_and_old_ones(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedModelError, match="other"):
        read_program(archive(tmp_path / "m.pt2", **{"models/other.json": "{}"}))
    with zipfile.ZipFile(tmp_path / "old.pt2", "w") as target:
        target.writestr("serialized_exported_program.json", "{}")
    with pytest.raises(UnsupportedModelError, match=r"torch 2\.7"):
        read_program(tmp_path / "old.pt2")


def test_damage_is_an_error_that_names_the_file(tmp_path: Path) -> None:
    whole = archive(tmp_path / "m.pt2").read_bytes()
    (tmp_path / "cut.pt2").write_bytes(whole[: len(whole) // 2])
    archive(tmp_path / "json.pt2", **{"models/model.json": "{"})
    archive(tmp_path / "list.pt2", **{"models/model.json": "[]"})
    for name in ("cut.pt2", "json.pt2", "list.pt2"):
        with pytest.raises(EdgetoolError) as caught:
            read_program(tmp_path / name)
        assert caught.value.exit_code == FileFormatError.exit_code and name in caught.value.subject


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_entries_of_one_name_are_damage(tmp_path: Path) -> None:
    path = archive(tmp_path / "m.pt2")
    with zipfile.ZipFile(path, "a") as target:
        target.writestr("net/models/model.json", "{}")
    with pytest.raises(FileFormatError, match="two members"):
        read_program(path)
