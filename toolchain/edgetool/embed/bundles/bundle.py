"""`edgetool embed`: which file, under which name, into which sources."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from edgetool.artifact import Signature, require_format
from edgetool.embed.boards.firmware import FirmwareRun, require_runnable, run_firmware
from edgetool.embed.bundles.array import ArrayFiles, write_array
from edgetool.embed.bundles.c_bundle import NUM_VECTORS, Bundle, write_bundle
from edgetool.embed.bundles.fit import EMBEDDED_RUNTIMES, fit_file
from edgetool.embed.bundles.linux_bundle import LinuxBundle, write_linux_bundle
from edgetool.embed.bundles.tflm_bundle import TflmBundle, write_tflm_bundle
from edgetool.embed.compiler.passes.drop_softmax import model_file
from edgetool.embed.compiler.pipeline import lower_file
from edgetool.embed.emit.identifiers import c_identifier, require_identifier
from edgetool.errors import BudgetError, FileFormatError, MissingFileError, ParityError, UsageError, nearest
from edgetool.evaluate.acceptance import answers_refusal
from edgetool.ir.summary import Summary
from edgetool.records import ArtifactRecord, Manifest
from edgetool.runners.child import call_function
from edgetool.schema import parse
from edgetool.store.manifest_io import MANIFEST_NAME, load_manifest, require_recorded, require_unchanged
from edgetool.targets import Target

__all__ = [
    "EmbeddedC",
    "choose_file",
    "embed_array",
    "embed_c",
    "embed_linux",
    "embed_tflm",
    "require_passed",
    "run_target",
]

READ_TIMEOUT_S = 300.0


@dataclass(frozen=True, slots=True)
class EmbeddedC:
    """A bundle, and what came of its firmware where that was run."""

    bundle: Bundle
    firmware: FirmwareRun | None


def embed_array(model: Path, *, artifact: str | None, name: str | None, out: Path, overwrite: bool) -> ArrayFiles:
    """Write a model file as C arrays.

    Args:
        model: a `.tflite` or `.onnx` file, or a run folder.
        artifact: which artefact of a run folder; default: see `choose_file`.
        name: identifier; default: made from the file's name.
        out: folder.
        overwrite: replace files that are there.

    Raises:
        EdgetoolError: nothing to embed, a damaged file, a bad name, a file in the way.
    """
    path, chosen, _ = _exported(model, artifact, name)
    return write_array(path.read_bytes(), _signature_of(path), name=chosen, out=out, overwrite=overwrite)


def embed_linux(model: Path, *, artifact: str | None, name: str | None, out: Path, overwrite: bool) -> LinuxBundle:
    """Write a model file as a folder that runs on a board with Linux; arguments as of `embed_array`.

    Raises:
        EdgetoolError: see `embed_array` and `write_linux_bundle`.
    """
    path, chosen, kind = _exported(model, artifact, name)
    signature = _signature_of(path)
    return write_linux_bundle(path, signature, format=kind, name=chosen, out=out, overwrite=overwrite)


def _exported(model: Path, artifact: str | None, name: str | None) -> tuple[Path, str, str]:
    """Return the file to embed, its identifier and its format."""
    path = choose_file(model, artifact)
    kind = require_format(path)
    if kind not in ("tflite", "onnx"):
        raise FileFormatError(
            str(path),
            found=f"a model of format {kind!r}",
            expected="an exported .tflite or .onnx file",
            next_step=f"edgetool export {path} -o model.tflite",
        )
    return path, require_identifier(name) if name is not None else c_identifier(path.stem), kind


def _signature_of(path: Path) -> Signature:
    answer = call_function(
        "edgetool.ir.summary:summarize", {"path": str(path)}, subject=str(path), timeout_s=READ_TIMEOUT_S
    )
    return parse(Summary, answer, source=str(path), error=FileFormatError).signature


def embed_c(
    model: Path,
    *,
    artifact: str | None,
    name: str | None,
    out: Path,
    target: Target,
    overwrite: bool,
    run: bool = False,
    pack: str = "auto",
    optimize: str = "speed",
    num_vectors: int = NUM_VECTORS,
    io: str = "arena",
    drop_softmax: bool = False,
) -> EmbeddedC:
    """Write a `.tflite` file as a folder of C that needs no interpreter; arguments as of `embed_array`.

    Args:
        model: a `.tflite` file, or a run folder.
        artifact: which artefact of a run folder; default: see `choose_file`.
        name: identifier; default: made from the file's name.
        out: folder, made whole or not at all.
        target: the device whose flash and RAM are the budget.
        overwrite: replace the folder.
        run: build firmware for the target and run it in QEMU.
        pack: when weights stay packed in flash: `auto`, `always`, `never`.
        optimize: for `size`, `balanced` or `speed`.
        num_vectors: of the self-test.
        io: where inputs and outputs lie: `arena`, `caller`.
        drop_softmax: leave out the last softmax.

    Raises:
        EdgetoolError: see `write_bundle` and `run_firmware`; a bad name.
    """
    if run:
        require_runnable(target)
    path, chosen = _tflite_of(model, artifact, name, "c", target)
    made = write_bundle(
        path,
        name=chosen,
        out=out,
        target=target,
        overwrite=overwrite,
        pack=pack,
        num_vectors=num_vectors,
        optimize=optimize,
        io=io,
        drop_softmax=drop_softmax,
    )
    if not run:
        return EmbeddedC(made, None)
    with model_file(path, drop_softmax=drop_softmax) as file:
        program = lower_file(file, io=io)
    return EmbeddedC(made, run_firmware(out, chosen, program, target, optimize=optimize))


def embed_tflm(
    model: Path, *, artifact: str | None, name: str | None, out: Path, target: Target, overwrite: bool
) -> TflmBundle:
    """Write a `.tflite` file as a folder for TensorFlow Lite Micro; arguments as of `embed_c`.

    Raises:
        EdgetoolError: see `write_tflm_bundle`; a bad name.
    """
    path, chosen = _tflite_of(model, artifact, name, "tflm", target)
    return write_tflm_bundle(path, name=chosen, out=out, target=target, overwrite=overwrite)


def _tflite_of(model: Path, artifact: str | None, name: str | None, runtime: str, target: Target) -> tuple[Path, str]:
    """Return the `.tflite` file to embed and its identifier."""
    path = choose_file(model, artifact, runtime=runtime, target=target)
    kind = require_format(path)
    if kind != "tflite":
        raise FileFormatError(
            str(path),
            found=f"a model of format {kind!r}",
            expected="a .tflite file, of int8 or float32",
            next_step=f"edgetool export MODEL --recipe w8a8_static -o {path.stem}.tflite",
        )
    return path, require_identifier(name) if name is not None else c_identifier(path.stem)


def require_passed(made: EmbeddedC) -> None:
    """Raise where the firmware gave other bytes than LiteRT's reference kernels, or wrote outside of the arena.

    Raises:
        ParityError: says how many test vectors.
    """
    found = made.firmware
    if found is not None and (found.num_failed or not found.arena_is_whole):
        raise ParityError(
            f"{made.bundle.out} on {found.target}",
            found=f"other bytes for {found.num_failed} of {found.num_vectors} test vectors"
            + ("" if found.arena_is_whole else ", and writing outside of the arena"),
            expected="the bytes of LiteRT's reference kernels",
            next_step="report it as a defect of edgetool",
        )


def choose_file(model: Path, artifact: str | None, *, runtime: str | None = None, target: Target | None = None) -> Path:
    """Return the file to embed: `model` itself, or an artefact of the run folder `model`.

    Of a run that is the artefact named, else the recommended one, or where the runtime or the target cannot take that
    one, the smallest other artefact of the run that it can take.

    Args:
        model: a file or a run folder.
        artifact: name of an artefact of the run; None: the choice above.
        runtime: of `edgetool.targets.RUNTIMES`; None: any.
        target: whose flash and RAM it must fit; None: no budgets.

    Raises:
        MissingFileError: nothing there, or no artefact of that name.
        BudgetError: no artefact of the run that the target can take.
        UsageError: `artifact` was given for a plain file.
        ManifestError: a damaged manifest, or a file that is no longer what the run wrote.
    """
    if not (model / MANIFEST_NAME).is_file():
        if artifact is not None:
            raise UsageError(
                f"--artifact {artifact}", found="a model file", expected="a run folder", next_step="leave it out"
            )
        require_recorded(model)
        return model
    manifest = load_manifest(model)
    if artifact is None:
        return model / _suitable(model, manifest, runtime, target).artifact.path
    for record in manifest.artifacts:
        if record.name == artifact:
            require_unchanged(model, [record])
            return model / record.artifact.path
    raise MissingFileError(
        f"{model}: --artifact {artifact}",
        found="no such artefact",
        expected="one of the run",
        next_step=nearest(artifact, [record.name for record in manifest.artifacts]),
    )


def _suitable(model: Path, manifest: Manifest, runtime: str | None, target: Target | None) -> ArtifactRecord:
    """Return the recommended artefact, or the first of the others, by size, that runtime and target can take."""
    reasons = []
    for record in _by_preference(manifest):
        require_unchanged(model, [record])
        reason = _embed_refusal(model, record, manifest, runtime, target)
        if reason is None:
            return record
        reasons.append(f"{record.name}: {reason}")
    place = "a bundle" if target is None else target.name
    raise BudgetError(
        str(model),
        found=f"no artefact that {place} can take ({'; '.join(reasons) or 'the run has none'})",
        expected="one that fits",
        next_step="name one with --artifact, or compress with --recipe w8a8_static",
    )


def _by_preference(manifest: Manifest) -> list[ArtifactRecord]:
    """Return what was chosen, in the order of the decisions, then the other artefacts by size."""
    by_name = {record.name: record for record in manifest.artifacts}
    chosen = [decision.artifact for decision in manifest.decisions if decision.artifact in by_name]
    others = sorted(manifest.artifacts, key=lambda record: record.size.raw)
    names = dict.fromkeys([*chosen, *(record.name for record in others)])
    return [by_name[name] for name in names if name is not None]


def _embed_refusal(
    model: Path, record: ArtifactRecord, manifest: Manifest, runtime: str | None, target: Target | None
) -> str | None:
    source = None if manifest.source is None else manifest.source.validation
    refusal = answers_refusal(record, source=source, max_drop_points=manifest.max_drop_points)
    if refusal is not None:
        return refusal.reason
    if runtime not in EMBEDDED_RUNTIMES:
        return None
    if record.artifact.format != "tflite":
        return f"a .{record.artifact.format} file"
    if target is None:
        return None
    fit = fit_file(model / record.artifact.path, runtime, target)
    if fit.refusal:
        return fit.refusal
    for what, needed, available in (
        ("flash", fit.flash_bytes, target.flash_bytes),
        ("RAM", fit.ram_bytes, target.ram_bytes),
    ):
        if available is not None and needed > available:
            return f"{needed:,} B of {what}, {target.name} has {available:,} B"
    return None


def run_target(model: Path) -> Target | None:
    """Return the device that a run folder was made for; None for a file."""
    return load_manifest(model).device if (model / MANIFEST_NAME).is_file() else None
