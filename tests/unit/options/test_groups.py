"""Options that several commands share mean the same in each of them."""

from __future__ import annotations

from edgetool.options.commands import BenchOptions, CompressOptions, ExportOptions, InspectOptions, VerifyOptions
from edgetool.options.declare import Declaration, build, declarations
from edgetool.options.groups import PreprocessingOptions


def declared(kind: type, name: str) -> Declaration:
    return next(found.declaration for found in declarations(kind) if found.name == name)


def test_a_shared_option_is_declared_once() -> None:
    for name in ("scale", "mean", "std", "card", "trust", "seed"):
        assert declared(CompressOptions, name) == declared(ExportOptions, name) == declared(VerifyOptions, name)
    shapes = [declared(kind, "input_shape") for kind in (CompressOptions, InspectOptions, BenchOptions)]
    assert shapes[0] == shapes[1] == shapes[2]


def test_a_group_reaches_its_command() -> None:
    options = build(ExportOptions, {"model": "m.keras", "out": "m.onnx", "scale": 0.5, "transpose": True})
    assert options.preprocessing == PreprocessingOptions(scale=0.5)
    assert options.data.transpose and not options.source.trust
