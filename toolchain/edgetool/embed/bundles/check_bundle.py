"""A bundle against the model that it was written from: compiled, run and compared bit for bit."""

from __future__ import annotations

import dataclasses
import os
import re
import shlex
import shutil
import subprocess
import tempfile
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgetool.artifact import digest_path
from edgetool.bounds.parsing import printable
from edgetool.data.dataset import Array
from edgetool.embed.bundles.c_bundle import BUNDLE_FILE, fill_template
from edgetool.embed.bundles.rewritten import changed_file, rewrite
from edgetool.embed.compiler.context import IO
from edgetool.embed.compiler.passes.drop_softmax import model_file
from edgetool.embed.compiler.pipeline import lower_file
from edgetool.embed.emit.calls import buffer_lines, run_call, stream_lines
from edgetool.embed.oracle.repair import repairs
from edgetool.embed.oracle.vectors import (
    FAST,
    FLOAT_TOLERANCE,
    Vectors,
    differences,
    quantize_inputs,
    random_inputs,
    reference_vectors,
    with_limits,
)
from edgetool.embed.program import Program, sample_shape
from edgetool.errors import (
    CompilerError,
    FileFormatError,
    InterpreterCrashError,
    InterpreterTimeoutError,
    MissingDependencyError,
    ParityError,
    UntrustedModelError,
    UsageError,
)
from edgetool.runners.program import run_program, run_text
from edgetool.verify.inputs import InputLoader
from edgetool.version import __version__

__all__ = ["BundleCheck", "bundled_model", "check_bundle", "is_bundle", "require_equal", "run_bundle"]

TIMEOUT_S = 600.0

#: What `bundle.toml` may call the files beside it: nothing that leads out of the folder.
FILE_NAME = re.compile(r"[A-Za-z0-9_][\w.-]{0,127}")
FLAGS = ("-std=c99", "-O3", "-Wall", "-Wextra", "-Wconversion", "-Werror")


@dataclass(frozen=True, slots=True)
class BundleCheck:
    """What came of the comparison.

    Attributes:
        num_different: samples of which an integer output differs at all, or a float one by more than the tolerance.
        max_difference: the largest one, see `differences`.
    """

    bundle: str
    reference: str
    inputs: str
    num_samples: int
    num_different: int
    max_difference: float
    compiler: str


def is_bundle(path: Path) -> bool:
    """Tell whether `path` is a folder that `edgetool embed` wrote as `--runtime c`, `linux` or `tflm`."""
    return (path / BUNDLE_FILE).is_file()


def bundled_model(bundle: Path) -> Path | None:
    """Return the model file of a bundle that an interpreter runs, None for one of C.

    Raises:
        FileFormatError: the file is not the one that the bundle was written with.
        UsageError: a bundle for TFLite Micro, which edgetool does not run.
    """
    written = _written(bundle)
    runtime, name, source = written.runtime, written.name, written.source
    if runtime == "c":
        return None
    if runtime != "linux":
        raise UsageError(
            str(bundle),
            found=f"a bundle of --runtime {runtime}, which edgetool does not run",
            expected="a model file, or a bundle of --runtime c or linux",
            next_step="verify the .tflite file that the bundle was written from; bundle.toml has its name and digest",
        )
    for path in (bundle / f"{name}.tflite", bundle / f"{name}.onnx"):
        if path.is_file() and digest_path(path) == source:
            return path
    raise FileFormatError(
        str(bundle),
        found=f"no {name}.tflite or {name}.onnx of SHA-256 {source[:16]}...",
        expected="the model file that the bundle was written with",
        next_step="write the bundle again with edgetool embed --runtime linux --overwrite",
    )


def check_bundle(
    model: Path,
    bundle: Path,
    *,
    num_samples: int,
    seed: int = 0,
    data: InputLoader | None = None,
    trust: bool = False,
) -> BundleCheck:
    """Compile a bundle for this machine and compare it with LiteRT's reference kernels.

    Args:
        model: the `.tflite` file.
        bundle: what was written from it.
        num_samples: of random inputs, where there are no data.
        seed: likewise.
        data: gives real inputs, preprocessed.
        trust: run a bundle even if it is not what edgetool writes from `model`.

    Raises:
        FileFormatError: the bundle was written from another model, or is damaged.
        UntrustedModelError: somebody wrote or changed its code, and `trust` is not set.
        MissingDependencyError, CompilerError: no compiler, or it refused the code.
        InterpreterCrashError, InterpreterTimeoutError: the program died or did not end.
    """
    written = _written(bundle)
    _require_same(bundle, written, model)
    with model_file(model, drop_softmax=written.drop_softmax) as file:
        program = lower_file(file, io=written.io)
        program = dataclasses.replace(program, source_digest=written.source)
        if trust:
            return _checked(model, file, bundle, bundle, written, program, num_samples, seed, data)
        sources = rewrite(written.name, program, isa=written.isa, is_packed=written.is_packed)
        _require_own(bundle, written, sources, model)
        # Of the bundle's folder nothing else is seen: a header of the system's name there would be taken for it.
        with tempfile.TemporaryDirectory(prefix="edgetool-") as folder:
            for name, content in sources.items():
                (Path(folder) / name).write_bytes(content)
            return _checked(model, file, bundle, Path(folder), written, program, num_samples, seed, data)


def _require_own(bundle: Path, written: _Written, sources: dict[str, bytes], model: Path) -> None:
    """Refuse code that is not what edgetool writes: compiling and running it would be to trust whoever wrote it."""
    changed = changed_file(bundle, sources)
    if changed is not None:
        raise UntrustedModelError(
            f"{bundle}/{changed}",
            found=f"other code than edgetool {__version__} writes (the bundle names {written.version})",
            expected=f"what embed writes from {model}, or --trust",
            next_step="give --trust if you know who wrote the code; it is compiled and run",
        )


def _checked(
    model: Path,
    file: Path,
    bundle: Path,
    compiled: Path,
    written: _Written,
    program: Program,
    num_samples: int,
    seed: int,
    data: InputLoader | None,
) -> BundleCheck:
    """Compare what the folder `compiled` holds with `file`, which is `model`, or that without its last softmax."""
    if data is None:
        inputs, said = random_inputs(program, num_samples, seed=seed), f"{num_samples:,} random samples"
    else:
        tensors = [program.tensors[name] for name in program.inputs]
        given = data(["float32" if tensor.quantization else str(tensor.dtype) for tensor in tensors])
        inputs, said = quantize_inputs(program, given.split.inputs), given.description
    num_samples = len(inputs[0])
    vectors = reference_vectors(file, program, inputs)
    changed = "".join(f", with {change} changed as it needs it" for change in repairs(model))
    compiler = os.environ.get("CC", "cc")
    found = run_bundle(compiled, written.name, program, inputs, compiler=compiler)
    oracle = vectors.oracle
    excess, distances = _distances(found, vectors)
    vectors, other = with_limits(file, program, vectors) if excess.any() else (vectors, None)
    if other is not None:
        oracle = f"{oracle}, or {FAST}, to either of which floats are within {max(vectors.limits):.1g}"
        parts = [_distances(found, either) for either in (vectors, other)]
        excess, distances = (np.minimum(*pair) for pair in zip(*parts, strict=True))
    return BundleCheck(
        bundle=str(bundle),
        reference=f"{model} ({oracle}{changed})",
        inputs=said,
        num_samples=num_samples,
        num_different=int((excess > 0.0).sum()),
        max_difference=float(distances.max(initial=0.0)),
        compiler=compiler,
    )


def _distances(found: Sequence[Array], vectors: Vectors) -> tuple[Array, Array]:
    """Return by how much each sample is further away than is allowed, and how far it is, of its worst output."""
    expected = vectors.outputs
    distances = np.array([differences(a, b) for a, b in zip(found, expected, strict=True)])
    allowed = np.array([vectors.limit(index) for index in range(len(expected))])
    excess = np.maximum(distances - allowed[:, None], 0.0)
    return excess.max(axis=0), distances.max(axis=0)


def require_equal(found: BundleCheck) -> None:
    """Raise where a byte differs.

    Raises:
        ParityError: says how many samples and by how much.
    """
    if found.num_different:
        raise ParityError(
            f"{found.bundle} against {found.reference}",
            found=f"other outputs for {found.num_different} of {found.num_samples} samples, by up to "
            f"{found.max_difference:g}",
            expected=f"the same bytes, or floats within {FLOAT_TOLERANCE:g} of the largest, or as near as LiteRT's "
            "fast kernels are",
            next_step="write the bundle again; if that does not help, report it as a defect of edgetool",
        )


def run_bundle(
    bundle: Path, name: str, program: Program, inputs: Sequence[Array], *, compiler: str, flags: Sequence[str] = FLAGS
) -> tuple[Array, ...]:
    """Compile a bundle with a program around it that reads samples and writes outputs; return the outputs `[N, ...]`.

    Raises:
        MissingDependencyError, CompilerError, InterpreterCrashError, InterpreterTimeoutError: see `check_bundle`.
    """
    with tempfile.TemporaryDirectory(prefix="edgetool-") as folder:
        main = Path(folder) / "stream.c"
        main.write_text(_stream(program, name), encoding="utf-8")
        executable = Path(folder) / "stream"
        sources = [str(main), str(bundle / f"{name}.c"), str(bundle / "weights.c")]
        _compile([*shlex.split(compiler), *flags, f"-I{bundle}", "-o", str(executable), *sources, "-lm"])
        num_samples = len(inputs[0])
        given = b"".join(array[index].tobytes() for index in range(num_samples) for array in inputs)
        try:
            done = run_program([str(executable)], given=given, timeout_s=TIMEOUT_S)
        except subprocess.TimeoutExpired:
            raise InterpreterTimeoutError(
                str(bundle), found=f"no end within {TIMEOUT_S:g} s", expected="an answer", next_step="--samples 10"
            ) from None
    if done.returncode:
        raise InterpreterCrashError(
            str(bundle),
            found=f"the compiled program ended with {done.returncode}",
            expected="an end with 0",
            next_step="report it as a defect of edgetool",
        )
    return _parted(done.stdout, program, num_samples)


def _compile(command: list[str]) -> None:
    if shutil.which(command[0]) is None:
        raise MissingDependencyError(
            command[0],
            found="no such compiler",
            expected="a C compiler",
            next_step="apt install gcc, or name one in the variable CC",
        )
    done = run_text(command, timeout_s=TIMEOUT_S)
    if done.returncode:
        raise CompilerError(
            shlex.join(command),
            found=done.stderr.strip()[-2000:],
            expected="code that compiles",
            next_step="write the bundle again with edgetool embed --overwrite",
        )


@dataclass(frozen=True, slots=True)
class _Written:
    """What `bundle.toml` says; `source` is the model's digest, `version` edgetool's."""

    runtime: str
    name: str
    source: str
    version: str
    io: str
    isa: str
    drop_softmax: bool
    is_packed: bool


def _written(bundle: Path) -> _Written:
    """Read `bundle.toml`; a bundle that names no runtime is C."""
    path = bundle / BUNDLE_FILE
    try:
        fields = tomllib.loads(path.read_text(encoding="utf-8"))
        found = _Written(
            runtime=str(fields.get("runtime", "c")),
            name=str(fields["name"]),
            source=str(fields["source_sha256"]),
            version=str(fields.get("edgetool", "no version"))[:20],
            io=str(fields.get("io", "arena")),
            isa=str(fields.get("isa", "")),
            drop_softmax=bool(fields.get("drop_softmax", False)),
            is_packed=bool(fields.get("packed", [])),
        )
        if found.io not in IO:
            raise ValueError(f"io = {found.io!r}")
        if not FILE_NAME.fullmatch(found.name):
            raise ValueError(f"name = {found.name[:80]!r}")
    except (OSError, KeyError, ValueError, TypeError, RecursionError) as exc:
        raise FileFormatError(
            str(path),
            found=f"{type(exc).__name__}: {printable(exc)}",
            expected=f"name and source_sha256; io: {', '.join(IO)}",
            next_step="write the bundle again",
        ) from None
    return found


def _require_same(bundle: Path, written: _Written, model: Path) -> None:
    digest = digest_path(model)
    if written.source != digest or not written.name.isidentifier():
        raise FileFormatError(
            str(bundle),
            found=f"a bundle of a model with SHA-256 {written.source[:16]}...",
            expected=f"one of {model}, {digest[:16]}...",
            next_step=f"edgetool embed {model} --runtime c -o {bundle} --overwrite",
        )


def _stream(program: Program, name: str) -> str:
    read, write = stream_lines(program, name)
    buffers, run = buffer_lines(program, name), run_call(program, name)
    return fill_template("stream.c", name=name, buffers=buffers, read=read, run=run, write=write)


def _parted(content: bytes, program: Program, num_samples: int) -> tuple[Array, ...]:
    """Split what the program wrote, sample after sample, into one array an output."""
    tensors = [program.tensors[name] for name in program.outputs]
    sample = np.dtype([(f"f{i}", tensor.dtype, sample_shape(tensor)) for i, tensor in enumerate(tensors)])
    rows = np.frombuffer(content, sample, num_samples)
    return tuple(np.ascontiguousarray(rows[f"f{index}"]) for index in range(len(tensors)))
