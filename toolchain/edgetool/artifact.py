"""An artefact: one model file with its format, signature, digest and where it came from."""

from __future__ import annotations

import hashlib
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from edgetool.errors import FileFormatError, MissingFileError, UnsupportedModelError
from edgetool.paths import is_there, require_readable

__all__ = [
    "Artifact",
    "Format",
    "Provenance",
    "Signature",
    "TensorSpec",
    "digest_path",
    "num_bytes",
    "require_format",
    "sniff_format",
]

#: `function` is what a `module:function` returned: it lies in no file.
Format = Literal["keras", "h5", "saved_model", "tflite", "onnx", "pt2", "function", "c"]

SUFFIXES: dict[str, Format] = {
    ".keras": "keras",
    ".h5": "h5",
    ".hdf5": "h5",
    ".tflite": "tflite",
    ".onnx": "onnx",
    ".pt2": "pt2",
}

#: How a PyTorch model becomes a file that holds a graph and no code.
MAKE_PT2 = (
    "in Python: torch.export.save(torch.export.export(model.eval(), (example,)), 'model.pt2'), then give model.pt2; "
    "or give module:build, a function that returns the nn.Module"
)


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """One input or output of a model.

    Attributes:
        name: the tensor's name in the file.
        shape: dimensions; -1 where the file leaves one open (batch).
        dtype: NumPy's name of the element type, for example `float32` or `int8`.
        scale: quantisation scales (empty: not quantised; one: per tensor; more: per channel).
        zero_point: as many zero points as scales.
        quantized_dimension: the axis of per-channel scales.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    scale: tuple[float, ...] = ()
    zero_point: tuple[int, ...] = ()
    quantized_dimension: int = 0


@dataclass(frozen=True, slots=True)
class Signature:
    """The inputs and outputs of a model, in file order."""

    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where an artefact came from: the digest of its parent and the step that made it."""

    parent: str | None
    step: str


@dataclass(frozen=True, slots=True)
class Artifact:
    """A model file (or SavedModel folder).

    Attributes:
        path: where it lies; relative to the run folder inside a manifest.
        format: what the content is, found by `sniff_format`.
        digest: SHA-256 of the content, hexadecimal.
        num_bytes: size of the file, or the sum over a folder.
        signature: inputs and outputs.
        provenance: parent and step.
    """

    path: str
    format: Format
    digest: str
    num_bytes: int
    signature: Signature
    provenance: Provenance


def sniff_format(path: Path) -> Format:
    """Tell a model file's format from its content, never from its suffix alone.

    Args:
        path: a model file or a SavedModel folder.

    Raises:
        MissingFileError: nothing is there.
        FileFormatError: the content is none of the known formats.
        UnsupportedModelError: a pickle or a TorchScript archive.
    """
    if not is_there(path):
        raise MissingFileError(
            str(path)[:300], found="no such file or folder", expected="a model file", next_step="check the path"
        )
    require_readable(path, expected="a model file")
    if path.is_dir():
        if (path / "saved_model.pb").is_file() or (path / "saved_model.pbtxt").is_file():
            return "saved_model"
        raise FileFormatError(
            str(path),
            found="a folder without saved_model.pb",
            expected="a SavedModel folder or a model file",
            next_step="name the model file itself",
        )
    try:
        with path.open("rb") as stream:
            head = stream.read(64)
    except OSError as exc:
        raise MissingFileError(
            str(path), found=exc.strerror or str(exc), expected="a readable file", next_step="check its permissions"
        ) from None
    if head[4:8] == b"TFL3":
        return "tflite"
    if head.startswith(b"\x89HDF\r\n\x1a\n"):
        return "h5"
    if head.startswith(b"PK\x03\x04") and (found := _sniff_archive(path, head)) is not None:
        return found
    if len(head) > 1 and head[0] == 0x80 and head[1] in (2, 3, 4, 5):
        raise _pickled(path, "a pickle, which runs code when it is loaded and holds no graph of operators")
    if head and _looks_like_onnx(head):
        return "onnx"
    what = "an empty file" if not head else "bytes of no known model format"
    raise FileFormatError(
        str(path),
        found=what,
        expected="a .tflite, .onnx, .keras, .h5 or .pt2 model, or a SavedModel folder",
        next_step="export the model again; the file may be cut short or not a model",
    )


def require_format(path: Path) -> Format:
    """Return the sniffed format, and refuse a file whose suffix promises another one.

    Raises:
        FileFormatError: suffix and content disagree.
    """
    found = sniff_format(path)
    promised = SUFFIXES.get(path.suffix.lower())
    if promised is not None and promised != found:
        raise FileFormatError(
            str(path),
            found=f"content of format {found!r}",
            expected=f"{promised!r}, as the suffix {path.suffix} says",
            next_step=f"rename the file to .{found} or give the right file",
        )
    return found


def digest_path(path: Path) -> str:
    """Return the SHA-256 of a file, or of a folder's relative names and contents in sorted order."""
    sha = hashlib.sha256()
    files = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
    for file in files:
        if path.is_dir():
            sha.update(file.relative_to(path).as_posix().encode() + b"\0")
        with file.open("rb") as stream:
            while chunk := stream.read(1 << 20):
                sha.update(chunk)
    return sha.hexdigest()


def num_bytes(path: Path) -> int:
    """Return the size of a file, or the sum of the files in a folder, in bytes."""
    if path.is_dir():
        return sum(p.stat().st_size for p in path.rglob("*") if p.is_file())
    return path.stat().st_size


def _sniff_archive(path: Path, head: bytes) -> Format | None:
    """Tell what a zip archive holds; None: nothing known. Of a damaged one: what its importer will say so of.

    torch.export puts every entry below one folder; torch.save and TorchScript write `data.pkl` there.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, OSError, ValueError):
        first = head[30:].split(b"FB")[0]
        return "pt2" if b"/" in first or path.suffix.lower() == ".pt2" else "keras"
    inner = {name.partition("/")[2] for name in names}
    if "config.json" in names:
        return "keras"
    if "archive_format" in inner or "serialized_exported_program.json" in names:
        return "pt2"
    if "constants.pkl" in inner:
        raise _pickled(path, "a TorchScript archive, which torch.export has replaced")
    if "data.pkl" in inner:
        raise _pickled(path, "a pickle of torch.save: weights without an architecture, or code")
    return None


def _pickled(path: Path, found: str) -> UnsupportedModelError:
    return UnsupportedModelError(
        str(path), found=found, expected="a torch.export program (.pt2) or an exported model", next_step=MAKE_PT2
    )


def _looks_like_onnx(head: bytes) -> bool:
    """Check that `head` starts like a ModelProto: field 1 (ir_version, varint) below 64, then a known field's tag."""
    if len(head) < 4 or head[0] != 0x08 or not 0 < head[1] < 64:
        return False
    field, wire_type = head[2] >> 3, head[2] & 7
    return field in (2, 3, 4, 5, 6, 7, 8, 14) and wire_type in (0, 2)
