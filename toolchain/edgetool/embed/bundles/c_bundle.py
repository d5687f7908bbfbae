"""The bundle: a folder of C that builds by itself, with its self-test and where it comes from."""

from __future__ import annotations

import dataclasses
import string
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgetool.artifact import digest_path
from edgetool.data.dataset import Array
from edgetool.embed.backends.packing.pack import PackedLayer, packed_layers, without_packing
from edgetool.embed.backends.portable_layers import KernelChoice, kernel_choice
from edgetool.embed.backends.simd import NATIVE_ISA
from edgetool.embed.backends.soft_float import soft_float_warnings
from edgetool.embed.compiler.context import Context
from edgetool.embed.compiler.passes.drop_softmax import model_file
from edgetool.embed.compiler.pipeline import for_target, lower_file
from edgetool.embed.emit.calls import buffer_lines, check_lines, fill_lines, io_bytes, run_call, usage_lines
from edgetool.embed.emit.codegen import model_header, model_source, num_constant_bytes, weights_source
from edgetool.embed.emit.vectors_header import vectors_header
from edgetool.embed.memory.arena import Arena, plan_arena
from edgetool.embed.oracle.repair import repairs
from edgetool.embed.oracle.vectors import REFERENCE, Vectors, random_inputs, reference_vectors, with_limits
from edgetool.embed.program import Program
from edgetool.errors import BudgetError, RunExistsError, UsageError, nearest
from edgetool.store.atomic import atomic_path
from edgetool.targets import Target
from edgetool.version import __version__

__all__ = [
    "BUNDLE_FILE",
    "NUM_VECTORS",
    "OPTIMIZATIONS",
    "Bundle",
    "fill_template",
    "optimization_flag",
    "quoted",
    "require_fit",
    "require_free",
    "write_bundle",
]

BUNDLE_FILE = "bundle.toml"
#: What a bundle is optimised for -> the compiler's flag in its Makefile, CMakeLists.txt and firmware.
OPTIMIZATIONS = {"size": "-Os", "balanced": "-O2", "speed": "-O3"}

#: Test vectors of a bundle, unless asked for others.
NUM_VECTORS = 4

#: From so many steps on, floats that are rounded differently in each may end further apart than is usual.
DEEP = 64

#: Of README.md, where the last softmax was left out.
WITHOUT_SOFTMAX = (
    " Outputs are what the model's last\nsoftmax was given, which was left out: the largest is that of the same class."
)
#: Of a Makefile: all instructions that this machine has, if the compiler knows the words; floats are rounded as ever.
NATIVE = """NATIVE := $(shell $(CC) -march=native -E -x c /dev/null >/dev/null 2>&1 && \\
  echo -march=native -ffp-contract=off)
"""
TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True, slots=True)
class Bundle:
    """What was written.

    Attributes:
        arena_bytes: RAM that the model works in.
        lower_bound_bytes: no plan of the same operators can be smaller.
        constant_bytes: flash of weights and parameters; the code comes on top.
        unpacked_bytes: the same if no weights were packed.
        packed: the layers whose weights are.
        warnings: what is to be said besides.
        io: where inputs and outputs lie, see `place_io`.
        io_bytes: of the buffers for them that the application has.
        drop_softmax: outputs are what the last softmax was given.
        isa: instruction set that its kernels are for.
        kernels: which layers portable C computes.
        oracle: what the outputs of the test vectors are of.
    """

    out: Path
    name: str
    source: str
    source_sha256: str
    arena_bytes: int
    lower_bound_bytes: int
    constant_bytes: int
    operators: dict[str, int]
    unpacked_bytes: int
    packed: tuple[PackedLayer, ...]
    kernels: KernelChoice
    warnings: tuple[str, ...] = ()
    io: str = "arena"
    io_bytes: int = 0
    drop_softmax: bool = False
    isa: str = ""
    oracle: str = REFERENCE


def write_bundle(
    path: Path,
    *,
    name: str,
    out: Path,
    target: Target,
    overwrite: bool,
    pack: str = "auto",
    num_vectors: int = NUM_VECTORS,
    inputs: Sequence[Array] | None = None,
    optimize: str = "speed",
    io: str = "arena",
    drop_softmax: bool = False,
) -> Bundle:
    """Write the `.tflite` file at `path` as a folder of C.

    Args:
        path: a model of int8 or float32.
        name: identifier of C; prefix of what the header declares.
        out: folder, made whole or not at all.
        target: its budgets are held before anything is written.
        overwrite: replace the folder.
        pack: when weights stay packed in flash, see `PACK`.
        num_vectors: inputs of the self-test, with what LiteRT's reference kernels make of them.
        inputs: those inputs, stored values; default: random ones.
        optimize: one of `OPTIMIZATIONS`; `size` also packs all weights that get smaller, unless `pack` is `never`.
        io: where inputs and outputs lie, see `place_io`.
        drop_softmax: leave out the last softmax, see `without_softmax`.

    Raises:
        UsageError: see `for_target`, `lower_file` and `without_softmax`; another optimisation.
        RunExistsError: `out` is there.
        FileFormatError, UnsupportedModelError: see `lower_file`.
        BudgetError: more flash or RAM than the target has.
        DiskFullError, OutputFileError: it cannot be written.
    """
    require_free(out, overwrite=overwrite)
    flag = optimization_flag(optimize)
    with model_file(path, drop_softmax=drop_softmax) as model:
        lowered = dataclasses.replace(lower_file(model, io=io), source_digest=digest_path(path))
        when = "always" if (optimize, pack) == ("size", "auto") else pack
        program = for_target(lowered, Context(isa=target.isa, flash_bytes=target.flash_bytes, pack=when))
        arena = plan_arena(program)
        require_fit(path, target, num_constant_bytes(program), arena.num_bytes + io_bytes(program))
        given = random_inputs(program, num_vectors) if inputs is None else inputs
        vectors = reference_vectors(model, program, given)
        if any(step.kernel.endswith("_hybrid") for step in program.steps) or len(program.steps) >= DEEP:
            vectors, _ = with_limits(model, program, vectors)
    oracle = vectors.oracle + "".join(f", with {change} changed as it needs it" for change in repairs(path))
    bundle = Bundle(
        out,
        name,
        path.name,
        program.source_digest,
        arena.num_bytes,
        arena.lower_bound_bytes,
        num_constant_bytes(program),
        dict(sorted(Counter(step.kernel for step in program.steps).items())),
        num_constant_bytes(without_packing(program)),
        packed_layers(program),
        kernel_choice(program, target.isa),
        soft_float_warnings(program, target),
        io,
        io_bytes(program),
        drop_softmax,
        target.isa,
        oracle,
    )
    with atomic_path(out) as folder:
        folder.mkdir()
        for file, text in _files(program, arena, vectors, bundle, flag).items():
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            (folder / file).write_text(text, encoding="utf-8")
    return bundle


def optimization_flag(optimize: str) -> str:
    """Return the compiler's flag.

    Raises:
        UsageError: not one of `OPTIMIZATIONS`.
    """
    if optimize not in OPTIMIZATIONS:
        raise UsageError(
            f"--optimize {optimize}",
            found="no such optimisation",
            expected=", ".join(OPTIMIZATIONS),
            next_step=nearest(optimize, list(OPTIMIZATIONS)),
        )
    return OPTIMIZATIONS[optimize]


def fill_template(file: str, /, **values: str) -> str:
    """Return a template with its `$names` filled in; all of them must be given."""
    return string.Template((TEMPLATES / file).read_text(encoding="utf-8")).substitute(values)


def require_free(out: Path, *, overwrite: bool) -> None:
    """Refuse a folder that is there.

    Raises:
        RunExistsError: something of that name, and it is not to be overwritten.
    """
    if out.exists() and not overwrite:
        raise RunExistsError(str(out), found="something of that name", expected="a new name", next_step="--overwrite")


def require_fit(path: Path, target: Target, flash: int, ram: int) -> None:
    """Hold constants and arena against what the target has.

    Raises:
        BudgetError: more flash or RAM than there is.
    """
    for what, needed, there in (("flash", flash, target.flash_bytes), ("RAM", ram, target.ram_bytes)):
        if there is not None and needed > there:
            raise BudgetError(
                str(path),
                found=f"{needed:,} bytes of {what} for its {'constants' if what == 'flash' else 'arena'} alone",
                expected=f"at most {there:,} bytes, which {target.name} has",
                next_step="compress it further, or name a larger --target",
            )


def _files(program: Program, arena: Arena, vectors: Vectors, bundle: Bundle, flag: str) -> dict[str, str]:
    name = bundle.name
    common: dict[str, Any] = {"name": name}
    sizes = {"arena_bytes": f"{bundle.arena_bytes:,}", "constant_bytes": f"{bundle.constant_bytes:,}"}
    test = {
        "buffers": buffer_lines(program, name),
        "fill": fill_lines(program, name),
        "run": run_call(program, name),
        "check": check_lines(program, name),
    }
    return {
        f"{name}.h": model_header(program, arena, name=name),
        f"{name}.c": model_source(program, arena, name=name),
        "weights.c": weights_source(program, name=name),
        "test_vectors.h": vectors_header(vectors, bundle.oracle),
        "main.c": fill_template("main.c", **common, **test),
        "Makefile": fill_template("Makefile", **common, **_make_flags(bundle, flag)),
        "CMakeLists.txt": fill_template("CMakeLists.txt", **common, flag=flag),
        "zephyr/module.yml": fill_template("zephyr/module.yml", **common),
        "zephyr/CMakeLists.txt": fill_template("zephyr/CMakeLists.txt", **common, upper=name.upper()),
        "zephyr/Kconfig": fill_template("zephyr/Kconfig", **common, **sizes, upper=name.upper()),
        "library.properties": fill_template(
            "arduino/library.properties", **common, **sizes, version=__version__, source=quoted(bundle.source)
        ),
        "examples/SelfTest/SelfTest.ino": fill_template("arduino/SelfTest.ino", **common, **test),
        "README.md": fill_template(
            "README.md",
            **common,
            **sizes,
            upper=name.upper(),
            version=__version__,
            source=bundle.source,
            lower_bound_bytes=f"{bundle.lower_bound_bytes:,}",
            usage=usage_lines(program, name),
            outside=_outside_row(bundle),
            outputs=WITHOUT_SOFTMAX if bundle.drop_softmax else "",
            num_vectors=str(len(vectors.inputs[0])),
            packed="".join(f"\n| {line} |" for line in _packed_lines(bundle)),
            operators=", ".join(f"{count} {kernel}" for kernel, count in bundle.operators.items()),
            portable=_portable_row(bundle.kernels),
        ),
        BUNDLE_FILE: _toml(bundle),
    }


def _make_flags(bundle: Bundle, flag: str) -> dict[str, str]:
    """Return what the Makefile compiles with: for the machine it runs on, if the bundle was written for that."""
    return {"flag": f"{flag} $(NATIVE)", "native": NATIVE} if bundle.isa == NATIVE_ISA else {"flag": flag, "native": ""}


def _outside_row(bundle: Bundle) -> str:
    return f"\n| inputs and outputs, the application's | {bundle.io_bytes:,} bytes |" if bundle.io_bytes else ""


def _portable_row(kernels: KernelChoice) -> str:
    if not kernels.macs:
        return ""
    share = f"{100 * kernels.portable_share:.1f} % of {kernels.macs:,} multiplications"
    return f"\n| layers of portable C; `bundle.toml` says which, and why | {share} |"


def _packed_lines(bundle: Bundle) -> list[str]:
    """Return the rows of the README's table that say what packed weights save."""
    if not bundle.packed:
        return []
    found = [f"constants if no weights were packed | {bundle.unpacked_bytes:,} bytes"]
    return found + [
        f"weights of `{quoted(layer.layer)}`, {layer.form} | {layer.packed_bytes:,} bytes of {layer.unpacked_bytes:,}"
        for layer in bundle.packed
    ]


def _toml(bundle: Bundle) -> str:
    lines = [
        'runtime = "c"',
        f'name = "{bundle.name}"',
        f'source = "{quoted(bundle.source)}"',
        f'source_sha256 = "{bundle.source_sha256}"',
        f'edgetool = "{__version__}"',
        f'io = "{bundle.io}"',
        f'isa = "{bundle.isa}"',
        f"io_bytes = {bundle.io_bytes}",
        *(["drop_softmax = true"] if bundle.drop_softmax else []),
        f"arena_bytes = {bundle.arena_bytes}",
        f"lower_bound_bytes = {bundle.lower_bound_bytes}",
        f"constant_bytes = {bundle.constant_bytes}",
        f'oracle = "{quoted(bundle.oracle)}"',
        f"unpacked_constant_bytes = {bundle.unpacked_bytes}",
        f'kernels = "{bundle.kernels.family}"',
        f"macs = {bundle.kernels.macs}",
        f"portable_share = {bundle.kernels.portable_share:.4f}",
        *_warning_lines(bundle),
        "",
        "[operators]",
        *(f"{kernel} = {count}" for kernel, count in bundle.operators.items()),
    ]
    for layer in bundle.packed:
        lines += [
            "",
            "[[packed]]",
            f'layer = "{quoted(layer.layer)}"',
            f'form = "{layer.form}"',
            f"unpacked_bytes = {layer.unpacked_bytes}",
            f"packed_bytes = {layer.packed_bytes}",
        ]
    for portable in bundle.kernels.portable:
        lines += [
            "",
            "[[portable]]",
            f'layer = "{quoted(portable.layer)}"',
            f'kernel = "{portable.kernel}"',
            f"macs = {portable.macs}",
            f"share = {portable.share:.4f}",
            f'reason = "{quoted(portable.reason)}"',
        ]
    return "\n".join([*lines, ""])


def _warning_lines(bundle: Bundle) -> list[str]:
    texts = [f'"{quoted(text)}"' for text in bundle.warnings]
    return [f"warnings = [{', '.join(texts)}]"] if texts else []


def quoted(text: str) -> str:
    """Return text for a string of TOML; anything unusual becomes an underscore."""
    return "".join(c if c.isprintable() and c not in '"\\' else "_" for c in text)
