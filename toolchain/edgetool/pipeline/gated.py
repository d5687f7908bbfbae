"""Export through the gate: a file gets its name when it has been run and compared, not before."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path

from edgetool.artifact import Format, Provenance
from edgetool.exporters import load_exporter
from edgetool.exporters.base import ExportResult
from edgetool.passes.base import Context, ModelState
from edgetool.pipeline.cause import find_cause, refuse
from edgetool.recipes.recipe import REFERENCE_RECIPE, Recipe
from edgetool.records import ArtifactRecord, ParityRecord
from edgetool.runners import open_runner
from edgetool.store.atomic import atomic_path
from edgetool.verify.gate import Judgement, Probe, pass_gate

__all__ = ["Gate", "export_gated"]


@dataclass(frozen=True, slots=True)
class Gate:
    """What the files of one recipe have to pass.

    Attributes:
        recipe: that made the state.
        trial: the identity of what is tried; empty for a single export.
        probe: the samples that files are compared with their source on.
        judgement: how they are compared.
        parent: digest of the source.
        zero_layers: layers whose kernel is all zeros in the source.
        must_agree: refuse a file whose outputs are outside the limits; without, `verify` judges it later on more
            samples. Generated samples only warn.
    """

    recipe: Recipe
    trial: str
    probe: Probe
    judgement: Judgement
    parent: str
    zero_layers: tuple[str, ...]
    must_agree: bool


def export_gated(state: ModelState, format: Format, path: Path, context: Context, gate: Gate) -> ArtifactRecord:
    """Write `state` to `path` if the file passes the gate, and return what is known of it.

    Args:
        state: what is exported.
        format: `tflite` or `onnx`.
        path: the final name.
        context: of the exporter.
        gate: what the file has to pass.

    Raises:
        EdgetoolError: the exporter's or the gate's; then there is no file.
    """
    with atomic_path(path) as temporary:
        result = load_exporter(format)(state, temporary, context)
        found = pass_gate(temporary, path.name, gate.probe, gate.judgement, state.quantization, open_runner())
        notes = found.notes
        if not found.parity.passed:
            notes += _explained(found.parity, state, format, temporary, context, gate)
        result = dataclasses.replace(result, notes=(*result.notes, *notes))
        record = _describe(temporary, state, result, gate)
    return dataclasses.replace(record, parity=(found.parity,)) if gate.must_agree else record


def _explained(
    parity: ParityRecord, state: ModelState, format: Format, temporary: Path, context: Context, gate: Gate
) -> tuple[str, ...]:
    """Return notes on a file that is not like its source.

    Raises:
        ParityError: the file must be; it says why it is not.
    """
    if gate.probe.is_noise:
        verdict = f"on generated inputs: {parity.reason}; --data gives a verdict that counts"
        return (verdict,) if gate.must_agree else ()
    cause = find_cause(state, format, temporary, context, gate.probe.inputs, gate.recipe)
    if gate.must_agree:
        refuse(parity, cause)
    return (f"{cause.found}; {cause.next_step}",) if cause.found else ()


def _describe(path: Path, state: ModelState, result: ExportResult, gate: Gate) -> ArtifactRecord:
    """Read the file just written back, and check in it what the passes ensured."""
    from edgetool.ir import read_graph
    from edgetool.ir.summary import describe
    from edgetool.store.sizes import measure_sizes
    from edgetool.verify.invariants import check_graph
    from edgetool.verify.weight_formats import compare_weights

    described = describe(path, Provenance(gate.parent, f"recipe {gate.recipe.name}"))
    graph = read_graph(path)
    artifact = dataclasses.replace(described.artifact, path=f"artifacts/{path.name}")
    return ArtifactRecord(
        name=path.name,
        recipe=gate.recipe.name,
        trial=gate.trial,
        artifact=artifact,
        size=measure_sizes(path),
        macs=described.macs,
        num_params=described.num_params,
        arena_bytes=described.arena_bytes,
        layers=described.layers,
        is_reference=gate.recipe.name == REFERENCE_RECIPE,
        invariants=check_graph(graph, state.invariants, result.kernels, gate.zero_layers),
        weights=compare_weights(graph, state, result.kernels),
        notes=result.notes,
    )
