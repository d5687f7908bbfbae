"""Which runtimes of a target an artefact runs on."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from edgetool.artifact import Artifact, Format, Provenance, Signature
from edgetool.pipeline.fit import fit_stage
from edgetool.records import ArtifactRecord, LayerRecord, SizeRecord
from edgetool.runners.child import Child
from edgetool.targets import find_target

GOLDEN = Path(__file__).parents[2] / "golden" / "models"


def artifact(path: str, kind: Format) -> ArtifactRecord:
    made = Artifact(path, kind, Signature((), ()), "d" * 64, 9, Provenance("", "export"))
    layer = LayerRecord("conv", "CONV_2D", 1, 1, 1, "int8")
    return ArtifactRecord(path, path, made, SizeRecord(90, 9, 9), 0, 0, 40, (layer,))


def stage(item: ArtifactRecord, target: str, *operators: str) -> ArtifactRecord:
    device = dataclasses.replace(find_target(target), operators=operators)
    with Child(subject=item.name) as child:
        (checked,) = fit_stage([item], GOLDEN, child, target=device, progress=lambda *_: None)
    return checked


def test_an_interpreter_takes_the_file_of_its_format() -> None:
    litert, onnxruntime = stage(artifact("tiny_int8.tflite", "tflite"), "host").fits
    assert (litert.flash_bytes, litert.ram_bytes, litert.refusal) == (90, 40, "")
    assert onnxruntime.refusal == "takes .onnx files, not .tflite"


def test_a_device_that_lists_its_operators_takes_no_others() -> None:
    fits = stage(artifact("tiny_int8.tflite", "tflite"), "host", "ADD").fits
    assert fits[0].refusal == "has no CONV_2D"
    assert not stage(artifact("tiny_int8.tflite", "tflite"), "host", "ADD", "CONV_2D").fits[0].refusal


def test_a_microcontroller_is_asked_by_lowering_the_file() -> None:
    c, tflm = stage(artifact("tiny_int8.tflite", "tflite"), "cortex-m4-qemu").fits
    assert (c.runtime, tflm.runtime) == ("c", "tflm")
    assert c.flash_bytes > 0 and c.ram_bytes > 0 and not c.refusal


def test_a_failed_artefact_is_left_as_it_is() -> None:
    failed = dataclasses.replace(artifact("nothing.tflite", "tflite"), failure="it crashed")
    assert stage(failed, "cortex-m4-qemu") == failed
