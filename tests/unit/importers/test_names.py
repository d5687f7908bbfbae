"""Every place of a configuration where a name may stand is judged, with every kind of name that runs code."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edgetool.artifact import Format
from edgetool.errors import UntrustedModelError
from edgetool.importers.names import find_code
from edgetool.importers.trust import require_trusted

Json = dict[str, Any]


def layer(kind: str, **config: Any) -> Json:
    return {"class_name": kind, "config": {"name": "bad", **config}}


def operator(function: str, kind: str = "TFOpLambda") -> Json:
    return layer(kind, function=function)


def function(name: str, module: str | None = None) -> Json:
    return {"class_name": "function", "module": module, "config": name, "registered_name": "function"}


#: What runs code, reads or writes files, or imports modules, once a framework makes an object of it.
PAYLOADS: dict[str, Json] = {
    "lambda": layer("Lambda", function=["4wEA", None, None], function_type="lambda"),
    "keras 3 lambda": layer("Lambda", function={"class_name": "__lambda__", "config": {"value": "4wEA"}}),
    "bare lambda": {"class_name": "__lambda__", "config": {"value": "4wEA"}},
    "write": operator("io.write_file"),
    "read": operator("io.read_file"),
    "copy": operator("io.gfile.copy"),
    "remove": operator("io.gfile.rmtree"),
    "library": operator("load_library"),
    "operators": operator("load_op_library"),
    "download": operator("keras.utils.get_file"),
    "python": operator("py_function"),
    "numpy": operator("numpy_function"),
    "print": operator("print"),
    "old python": operator("compat.v1.py_func"),
    "save": operator("raw_ops.SaveV2"),
    "map": operator("map_fn"),
    "slice": operator("io.write_file", "SlicingOpLambda"),
    "number": {"class_name": "TFOpLambda", "config": {"name": "bad", "function": 7}},
    "class method": layer("ClassMethod", cls_symbol="io.TFRecordWriter", method_name="write"),
    "method": layer("InstanceMethod", attr_name="numpy"),
    "property": layer("InstanceProperty", attr_name="__class__"),
    "node": layer("TensorFlowOpLayer", node_def="op: 'WriteFile'", constants={}),
    "saved model": layer("TFSMLayer", filepath="/tmp/other", call_endpoint="serve"),
    "torch": layer("TorchModuleWrapper", module="gASV"),
    "jax": layer("JaxLayer", call_fn="evil"),
    "flax": layer("FlaxLayer", module="evil"),
    "cell wrapper": layer("DropoutWrapper", dropout_state_filter_visitor="4wEA"),
    "other module": {"module": "evilmod", "class_name": "Dense", "config": {"name": "bad"}},
    "module of keras": {"module": "keras.src.utils.file_utils", "class_name": "Dense", "config": {"name": "bad"}},
    "folder": {"module": "keras..evilmod", "class_name": "Dense", "config": {"name": "bad"}},
    "registered": {"class_name": "Dense", "registered_name": "evil>Dense", "config": {"name": "bad"}},
    "custom": {"class_name": "evil>Foo", "config": {"name": "bad"}},
    "unknown": layer("DefinitelyHarmless"),
    "no text": {"class_name": ["Dense"], "config": {"name": "bad"}},
    "function": function("system", "os"),
    "keras function": function("get_file", "keras.utils"),
    "unsafe": function("enable_unsafe_deserialization", "keras.config"),
    "no name": {"class_name": "function", "config": {"name": "relu"}},
    "type": {
        "class_name": "__typespec__",
        "spec_name": "Popen",
        "module": "subprocess",
        "registered_name": None,
        "config": [],
    },
    "type spec": {"class_name": "TypeSpec", "type_spec": "evil.Spec", "serialized": []},
    "vocabulary": layer("StringLookup", vocabulary="/etc/passwd"),
    "loop": {"module": "keras.src.ops.core", "class_name": "Map", "config": {"name": "bad"}},
}


def model(*layers: Json, name: str = "inner") -> Json:
    return {"class_name": "Functional", "config": {"name": name, "layers": list(layers)}}


def nested(payload: Json, depth: int) -> Json:
    for level in range(depth):
        payload = model(payload, name=f"level{level}")
    return payload


def argument(kind: str, key: str) -> Callable[[Json], Json]:
    return lambda payload: {"class_name": kind, "config": {"name": "good", key: payload}}


def compiled(key: str) -> Callable[[Json], Json]:
    return lambda payload: {**model(), "compile_config": {key: payload}}


def called(payload: Json) -> Json:
    node = {"args": [payload], "kwargs": {}}
    return {"class_name": "Add", "config": {"name": "good"}, "inbound_nodes": [node]}


#: Where it may stand; the result is a layer of the outermost model.
PLACES: dict[str, Callable[[Json], Json]] = {
    "layer": lambda payload: payload,
    "nested": lambda payload: nested(payload, 1),
    "nested deep": lambda payload: nested(payload, 150),
    "TimeDistributed": argument("TimeDistributed", "layer"),
    "Bidirectional": argument("Bidirectional", "backward_layer"),
    "RNN": argument("RNN", "cell"),
    "cells": lambda payload: {"class_name": "StackedRNNCells", "config": {"name": "good", "cells": [payload]}},
    "SpectralNormalization": argument("SpectralNormalization", "layer"),
    "activation": argument("Activation", "activation"),
    "initializer": argument("Dense", "kernel_initializer"),
    "regularizer": argument("Dense", "kernel_regularizer"),
    "constraint": argument("Conv2D", "bias_constraint"),
    "dtype": argument("Dense", "dtype"),
    "policies": argument("Dense", "policy_map"),
    "quantization": argument("Dense", "quantization_config"),
    "build": lambda payload: {"class_name": "Dense", "config": {"name": "good"}, "build_config": {"input": payload}},
    "optimizer": compiled("optimizer"),
    "loss": compiled("loss"),
    "metrics": lambda payload: compiled("metrics")({"a": [payload]}),
    "call": called,
    "tensor": lambda payload: argument("Normalization", "mean")({"class_name": "__tensor__", "config": payload}),
    "unknown key": argument("Dense", "whatever"),
}


def write(path: Path, config: Json) -> None:
    """Write a configuration as a `.keras` or an `.h5` file."""
    import h5py

    if path.suffix == ".keras":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("config.json", json.dumps(config))
        return
    with h5py.File(path, "w") as store:
        store.attrs["model_config"] = json.dumps(config)


@pytest.mark.parametrize("place", sorted(PLACES))
def test_no_hostile_file_passes(place: str, tmp_path: Path) -> None:
    for index, (what, payload) in enumerate(PAYLOADS.items()):
        kind: Format = "h5" if index % 3 == 0 else "keras"
        path = tmp_path / f"m.{kind}"
        write(path, model(PLACES[place](payload), name="m"))
        with pytest.raises(UntrustedModelError) as caught:
            require_trusted(path, kind)
        assert path.name in caught.value.subject, what
        assert "--trust" in caught.value.next_step, what


def test_the_hostile_files_are_600_at_least() -> None:
    assert len(PLACES) * len(PAYLOADS) >= 600


@pytest.mark.parametrize("what", sorted(PAYLOADS))
def test_the_outermost_object_is_judged_too(what: str) -> None:
    assert list(find_code(PAYLOADS[what]))


@pytest.mark.parametrize("place", sorted(PLACES))
def test_harmless_things_pass_at_every_place(place: str) -> None:
    config = model(PLACES[place]({"class_name": "Dense", "config": {"name": "d", "activation": "relu"}}))
    assert list(find_code(config)) == []


def test_the_layer_is_named_with_the_models_around_it() -> None:
    config = model(nested(layer("Lambda"), 2), name="m")
    assert [where for where, _ in find_code(config)] == ["level1/level0/bad"]


@pytest.mark.parametrize(
    ("key", "text", "harmless"),
    [
        ("activation", "relu", True),
        ("recurrent_activation", "hard_sigmoid", True),
        ("activation", "evil", False),
        ("kernel_initializer", "glorot_uniform", True),
        ("kernel_initializer", "evil", False),
        ("activity_regularizer", "l2", True),
        ("bias_regularizer", "evil", False),
        ("kernel_constraint", "max_norm", True),
        ("kernel_constraint", "evil", False),
        ("units", "evil", True),
    ],
)
def test_text_that_names_a_function(key: str, text: str, harmless: bool) -> None:
    found = list(find_code(model({"class_name": "Dense", "config": {"name": "d", key: text}})))
    assert (found == []) == harmless


@pytest.mark.parametrize("symbol", ["math.add", "nn.relu", "concat", "__operators__.add", "compat.v1.transpose"])
def test_operators_that_only_compute_pass(symbol: str) -> None:
    assert list(find_code(model(operator(symbol)))) == []


def test_the_outermost_compilation_of_an_archive_is_not_read() -> None:
    config = {**model(), "compile_config": {"loss": function("my_loss", "builtins")}}
    assert list(find_code(config, outermost_compiles=False)) == []
    assert list(find_code(config))


def test_messages_hold_no_control_characters() -> None:
    ((where, what),) = find_code(model({"class_name": "\x1b[31mFoo\n", "config": {"name": "a\x1b[2Jb"}}))
    assert "\x1b" not in where + what and "\n" not in where + what
