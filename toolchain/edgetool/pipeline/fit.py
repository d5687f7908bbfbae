"""The stage of `compress` that asks, for each artefact, which runtimes of the target it runs on and what it takes."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path

from edgetool.artifact import Format
from edgetool.errors import EdgetoolError
from edgetool.records import ArtifactRecord, RuntimeFit
from edgetool.runners.child import Child
from edgetool.schema import parse, to_builtins
from edgetool.targets import Target

__all__ = ["fit_stage"]

Progress = Callable[[str, int, int], None]

#: What a runtime takes. LiteRT and onnxruntime read files; C and TensorFlow Lite Micro are built from one.
READS: dict[str, Format] = {"litert": "tflite", "onnxruntime": "onnx", "c": "tflite", "tflm": "tflite"}
#: Runtimes that every artefact of their format was run on when it was verified.
INTERPRETERS = ("litert", "onnxruntime")
#: Writing the C of the largest models takes some tens of seconds.
TIMEOUT_S = 600.0


def fit_stage(
    artifacts: Sequence[ArtifactRecord], run: Path, child: Child, *, target: Target, progress: Progress
) -> tuple[ArtifactRecord, ...]:
    """Record what every artefact takes on each runtime of the target, or why it cannot run there.

    Args:
        artifacts: verified; those that failed are left as they are.
        run: the run folder.
        child: compiles for runtimes that are built from a file.
        target: whose runtimes are asked.
        progress: called as artefacts are done.
    """
    checked: list[ArtifactRecord] = []
    for index, artifact in enumerate(artifacts):
        progress(f"fit {target.name}", index, len(artifacts))
        if artifact.failure is None:
            fits = tuple(_fit(artifact, run, runtime, target, child) for runtime in target.runtimes)
            artifact = dataclasses.replace(artifact, fits=fits)
        checked.append(artifact)
    progress(f"fit {target.name}", len(artifacts), len(artifacts))
    return tuple(checked)


def _fit(artifact: ArtifactRecord, run: Path, runtime: str, target: Target, child: Child) -> RuntimeFit:
    kind = artifact.artifact.format
    if kind != READS[runtime]:
        return RuntimeFit(runtime, 0, 0, f"takes .{READS[runtime]} files, not .{kind}")
    if runtime in INTERPRETERS:
        refusal = _unsupported(artifact, target)
        return RuntimeFit(runtime, artifact.size.raw, artifact.arena_bytes, refusal)
    params = {"path": str(run / artifact.artifact.path), "runtime": runtime, "target": to_builtins(target)}
    try:
        answer = child.call("edgetool.embed.bundles.fit:fit_in_child", params, timeout_s=TIMEOUT_S)
    except EdgetoolError as exc:
        if exc.transient:  # that says nothing of the artefact
            raise
        return RuntimeFit(runtime, 0, 0, f"{exc.subject}: {exc.found}")
    return parse(RuntimeFit, answer, source=artifact.name, error=EdgetoolError)


def _unsupported(artifact: ArtifactRecord, target: Target) -> str:
    """Name the operators that the target does not have; nothing where it has all, or states none."""
    if not target.operators:
        return ""
    missing = sorted({layer.op for layer in artifact.layers} - set(target.operators))
    return f"has no {', '.join(missing)}" if missing else ""
