"""`edgetool embed`: which file, under which name, into which sources."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from edgetool.artifact import Signature, require_format
from edgetool.embed.array import ArrayFiles, write_array
from edgetool.embed.c_bundle import NUM_VECTORS, Bundle, write_bundle
from edgetool.embed.calls import place_io
from edgetool.embed.drop_softmax import model_file
from edgetool.embed.firmware import FirmwareRun, require_runnable, run_firmware
from edgetool.embed.identifiers import c_identifier, require_identifier
from edgetool.embed.linux_bundle import LinuxBundle, write_linux_bundle
from edgetool.embed.lower import lower_file
from edgetool.embed.tflm_bundle import TflmBundle, write_tflm_bundle
from edgetool.errors import FileFormatError, MissingFileError, ParityError, UsageError, nearest
from edgetool.ir.summary import Summary
from edgetool.runners.child import call_function
from edgetool.schema import parse
from edgetool.store.manifest_io import MANIFEST_NAME, load_manifest
from edgetool.targets import find_target

__all__ = ["EmbeddedC", "choose_file", "embed_array", "embed_c", "embed_linux", "embed_tflm", "require_passed"]

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
        artifact: which artefact of a run folder; default: the smallest that fits.
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
    target: str,
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
        artifact: which artefact of a run folder; default: the smallest that fits.
        name: identifier; default: made from the file's name.
        out: folder, made whole or not at all.
        target: name of the device whose flash and RAM are the budget.
        overwrite: replace the folder.
        run: build firmware for the target and run it in QEMU.
        pack: when weights stay packed in flash: `auto`, `always`, `never`.
        optimize: for `size`, `balanced` or `speed`.
        num_vectors: of the self-test.
        io: where inputs and outputs lie: `arena`, `caller`.
        drop_softmax: leave out the last softmax.

    Raises:
        EdgetoolError: see `write_bundle` and `run_firmware`; a bad name; an unknown target.
    """
    path, chosen = _tflite_of(model, artifact, name)
    device = find_target(target)
    if run:
        require_runnable(device)
    made = write_bundle(
        path, name=chosen, out=out, target=device, overwrite=overwrite, pack=pack, num_vectors=num_vectors,
        optimize=optimize, io=io, drop_softmax=drop_softmax,
    )  # fmt: skip
    if not run:
        return EmbeddedC(made, None)
    with model_file(path, drop_softmax=drop_softmax) as file:
        program = place_io(lower_file(file), io)
    return EmbeddedC(made, run_firmware(out, chosen, program, device, optimize=optimize))


def embed_tflm(
    model: Path, *, artifact: str | None, name: str | None, out: Path, target: str, overwrite: bool
) -> TflmBundle:
    """Write a `.tflite` file as a folder for TensorFlow Lite Micro; arguments as of `embed_c`.

    Raises:
        EdgetoolError: see `write_tflm_bundle`; a bad name; an unknown target.
    """
    path, chosen = _tflite_of(model, artifact, name)
    return write_tflm_bundle(path, name=chosen, out=out, target=find_target(target), overwrite=overwrite)


def _tflite_of(model: Path, artifact: str | None, name: str | None) -> tuple[Path, str]:
    """Return the `.tflite` file to embed and its identifier."""
    path = choose_file(model, artifact)
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


def choose_file(model: Path, artifact: str | None) -> Path:
    """Return the file to embed: `model` itself, or an artefact of the run folder `model`.

    Raises:
        MissingFileError: nothing there, or no artefact of that name.
        UsageError: `artifact` was given for a plain file.
    """
    if not (model / MANIFEST_NAME).is_file():
        if artifact is not None:
            raise UsageError(
                f"--artifact {artifact}", found="a model file", expected="a run folder", next_step="leave it out"
            )
        return model
    manifest = load_manifest(model)
    names = [record.name for record in manifest.artifacts]
    wanted = artifact or next((d.artifact for d in manifest.decisions if d.purpose == "smallest" and d.artifact), None)
    if wanted is None:
        raise MissingFileError(
            str(model),
            found="a run in which no artefact fits",
            expected="a chosen artefact",
            next_step=f"name one with --artifact: {', '.join(names)}",
        )
    for record in manifest.artifacts:
        if record.name == wanted:
            return model / record.artifact.path
    raise MissingFileError(
        f"{model}: --artifact {wanted}",
        found="no such artefact",
        expected="one of the run",
        next_step=nearest(wanted, names),
    )
