"""What went wrong in a run, as the errors that its command ends with."""

from __future__ import annotations

from collections.abc import Iterator

from edgetool.errors import EdgetoolError, InvariantError, ParityError
from edgetool.recipes.recipe import REFERENCE_RECIPE
from edgetool.records import ArtifactRecord, Manifest, failures_of
from edgetool.verify.invariants import require_passed

__all__ = ["errors_of"]


def errors_of(manifest: Manifest) -> tuple[EdgetoolError, ...]:
    """Return the error of each recipe, export and artefact that failed, in the order of the recipes.

    Those of the reference come first, for without it nothing that others have to show is worth much.
    """
    reference: list[EdgetoolError] = []
    others: list[EdgetoolError] = []
    for failure in failures_of(manifest):
        (reference if failure.recipe == REFERENCE_RECIPE else others).append(failure.error)
    for artifact in manifest.artifacts:
        (reference if artifact.is_reference else others).extend(_broken_promises(artifact))
    return (*reference, *others)


def _broken_promises(artifact: ArtifactRecord) -> Iterator[EdgetoolError]:
    """Yield the errors of an artefact that was run, but is not what it should be."""
    try:
        require_passed(artifact.invariants, artifact.name)
    except InvariantError as exc:
        yield exc
    for parity in artifact.parity:
        if not parity.passed:
            yield ParityError(
                f"{artifact.name} against {parity.reference}",
                found=parity.reason or f"a largest error of {parity.max_abs_error:.3g}",
                expected=parity.limits,
                next_step="see the report; a less aggressive recipe may do",
            )
