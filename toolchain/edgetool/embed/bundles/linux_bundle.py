"""The bundle for a board with Linux: the model file, its signature, examples in Python and C, a systemd unit."""

from __future__ import annotations

import contextlib
import importlib.metadata
import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path

from edgetool.artifact import Signature, TensorSpec, digest_path
from edgetool.embed.bundles.c_bundle import BUNDLE_FILE, fill_template, quoted, require_free
from edgetool.errors import UnsupportedModelError
from edgetool.ir.graph import element_bytes
from edgetool.store.atomic import atomic_path
from edgetool.version import __version__

__all__ = ["LinuxBundle", "write_linux_bundle"]

#: NumPy's name -> number of the type in ONNX's TensorProto.
ELEMENT_TYPES = {
    "float32": 1,
    "uint8": 2,
    "int8": 3,
    "uint16": 4,
    "int16": 5,
    "int32": 6,
    "int64": 7,
    "bool": 9,
    "float16": 10,
    "float64": 11,
    "uint32": 12,
    "uint64": 13,
}

MAX_RANK = 8
MAX_USER = 31


@dataclass(frozen=True, slots=True)
class _Backend:
    """A runtime: its name, Python package, C source, and how CMake is called."""

    title: str
    package: str
    source: str
    cmake: str


BACKENDS = {
    "tflite": _Backend(
        "LiteRT",
        "ai-edge-litert",
        "litert.c",
        "cmake -B build -DLITERT_DIR=/path/to/LiteRT -DLITERT_LIBRARY=/path/to/libLiteRt.so",
    ),
    "onnx": _Backend(
        "onnxruntime",
        "onnxruntime",
        "onnxruntime.c",
        "cmake -B build -DORT_DIR=/path/to/onnxruntime-linux-aarch64",
    ),
}


@dataclass(frozen=True, slots=True)
class LinuxBundle:
    """What was written."""

    out: Path
    name: str
    format: str
    file: str
    source: str
    source_sha256: str
    model_bytes: int


def write_linux_bundle(
    path: Path, signature: Signature, *, format: str, name: str, out: Path, overwrite: bool
) -> LinuxBundle:
    """Write the model file at `path` as a folder that runs on a board.

    Args:
        path: a `.tflite` or `.onnx` file.
        signature: its inputs and outputs.
        format: `tflite` or `onnx`.
        name: identifier of C; names the program, the service, the file.
        out: folder, made whole or not at all.
        overwrite: replace the folder.

    Raises:
        RunExistsError: `out` is there.
        UnsupportedModelError: a type or rank that the examples cannot take.
        DiskFullError, OutputFileError: it cannot be written.
    """
    require_free(out, overwrite=overwrite)
    for spec in (*signature.inputs, *signature.outputs):
        _require_simple(spec)
    content = path.read_bytes()
    file = f"{name}.{format}"
    bundle = LinuxBundle(out, name, format, file, path.name, digest_path(path), len(content))
    with atomic_path(out) as folder:
        folder.mkdir()
        (folder / file).write_bytes(content)
        for other, text in _files(signature, bundle).items():
            (folder / other).write_text(text, encoding="utf-8")
        (folder / "run.py").chmod(0o755)
    return bundle


def _require_simple(spec: TensorSpec) -> None:
    if spec.dtype not in ELEMENT_TYPES or len(spec.shape) > MAX_RANK:
        raise UnsupportedModelError(
            spec.name,
            found=f"type {spec.dtype}, shape {list(spec.shape)}",
            expected=f"one of {', '.join(ELEMENT_TYPES)}, of at most {MAX_RANK} dimensions",
            next_step="convert it outside of the model",
        )


def _files(signature: Signature, bundle: LinuxBundle) -> dict[str, str]:
    backend = BACKENDS[bundle.format]
    versions = _versions((backend.package, "numpy"))
    beside = ", ".join(f"{package} {version}" for package, version in versions.items()) or "none of its packages"
    common = {"name": bundle.name, "backend": backend.title}
    user = bundle.name.lower()[:MAX_USER]
    return {
        "signature.json": _signature_json(signature, bundle),
        "run.py": fill_template("linux/run.py.in", name=bundle.name),
        "requirements.txt": f"# Written beside {beside}.\n{backend.package}\nnumpy\n",
        "model.h": fill_template(
            "linux/model.h",
            **common,
            num_inputs=str(len(signature.inputs)),
            num_outputs=str(len(signature.outputs)),
            inputs="\n".join(_row(spec) for spec in signature.inputs),
            outputs="\n".join(_row(spec) for spec in signature.outputs),
        ),
        "main.c": fill_template("linux/main.c", name=bundle.name),
        backend.source: fill_template(f"linux/{backend.source}", name=bundle.name),
        "CMakeLists.txt": fill_template(f"linux/CMakeLists.{Path(backend.source).stem}.txt", name=bundle.name),
        f"{bundle.name}.service": fill_template("linux/model.service", **common, user=user),
        "README.md": fill_template(
            "linux/README.md",
            **common,
            user=user,
            version=__version__,
            source=bundle.source,
            file=bundle.file,
            model_bytes=f"{bundle.model_bytes:,}",
            backend_file=backend.source,
            cmake=backend.cmake,
            versions=beside,
        ),
        BUNDLE_FILE: _toml(bundle, versions),
    }


def _versions(packages: tuple[str, ...]) -> dict[str, str]:
    """Return the versions of those packages that are installed here."""
    found = {}
    for package in packages:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found[package] = importlib.metadata.version(package)
    return found


def _signature_json(signature: Signature, bundle: LinuxBundle) -> str:
    fields = {"format": bundle.format, "file": bundle.file, "sha256": bundle.source_sha256, **asdict(signature)}
    return json.dumps(fields, indent=2) + "\n"


def _row(spec: TensorSpec) -> str:
    shape = [1 if size < 0 else size for size in spec.shape]
    num_bytes = math.prod(shape) * int(element_bytes(spec.dtype))
    dimensions = ", ".join(str(size) for size in shape) or "0"
    return f'    {{"{_literal(spec.name)}", {ELEMENT_TYPES[spec.dtype]}, {len(shape)}, {{{dimensions}}}, {num_bytes}}},'


def _literal(text: str) -> str:
    """Return text for a string of C, byte for byte; octal digits for what is not plain."""
    plain = set(range(32, 127)) - set(b'"\\?')
    return "".join(chr(byte) if byte in plain else f"\\{byte:03o}" for byte in text.encode("utf-8"))


def _toml(bundle: LinuxBundle, versions: dict[str, str]) -> str:
    lines = [
        'runtime = "linux"',
        f'name = "{bundle.name}"',
        f'format = "{bundle.format}"',
        f'file = "{bundle.file}"',
        f'source = "{quoted(bundle.source)}"',
        f'source_sha256 = "{bundle.source_sha256}"',
        f'edgetool = "{__version__}"',
        f"model_bytes = {bundle.model_bytes}",
        "",
        "[written_beside]",
        *(f'{package} = "{version}"' for package, version in versions.items()),
    ]
    return "\n".join([*lines, ""])
