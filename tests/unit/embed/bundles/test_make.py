"""Which device and runtime the options of `embed` name."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgetool.embed.bundles.array import ArrayFiles
from edgetool.embed.bundles.bundle import EmbeddedC
from edgetool.embed.bundles.linux_bundle import LinuxBundle
from edgetool.embed.bundles.make import embed_model
from edgetool.embed.bundles.tflm_bundle import TflmBundle
from edgetool.errors import UsageError
from edgetool.options.commands import EmbedOptions
from edgetool.options.declare import build

MODEL = Path(__file__).parents[3] / "golden" / "models" / "tiny_int8.tflite"


def embedded(folder: Path, **options: object) -> object:
    return embed_model(build(EmbedOptions, {"model": str(MODEL), "out": str(folder / "bundle"), **options}))


@pytest.mark.parametrize(
    ("options", "kind"),
    [
        ({}, ArrayFiles),
        ({"flash": "1M"}, EmbeddedC),
        ({"target": "raspberry-pi-4"}, LinuxBundle),
        ({"runtime": "tflm"}, TflmBundle),
    ],
)
def test_the_target_names_the_runtime(options: dict[str, object], kind: type, tmp_path: Path) -> None:
    assert isinstance(embedded(tmp_path, **options), kind)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"runtime": "array", "run": True}, "--run: --runtime array"),
        ({"runtime": "linux", "drop_softmax": True}, "--drop-softmax"),
        ({"runtime": "arry"}, "did you mean 'array'"),
    ],
)
def test_options_of_another_runtime_are_refused(options: dict[str, object], message: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=message):
        embedded(tmp_path, **options)
    assert not list(tmp_path.iterdir())
