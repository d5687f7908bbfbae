"""The bundle for TensorFlow Lite Micro: the file as an array, a resolver, an arena, calls around the interpreter."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from edgetool.artifact import Signature, TensorSpec
from edgetool.embed.bundles.array import array_header, array_source
from edgetool.embed.bundles.c_bundle import BUNDLE_FILE, fill_template, quoted, require_fit, require_free
from edgetool.embed.bundles.tflm_arena import TflmArena, plan_tflm_arena
from edgetool.embed.bundles.tflm_operators import resolver_methods
from edgetool.errors import FileFormatError
from edgetool.ir.graph import Graph
from edgetool.ir.tflite import read_tflite
from edgetool.store.atomic import atomic_path
from edgetool.targets import Target
from edgetool.version import __version__

__all__ = ["TflmBundle", "TflmPlan", "plan_tflm", "write_tflm_bundle"]


@dataclass(frozen=True, slots=True)
class TflmPlan:
    """What a file takes on TensorFlow Lite Micro: the file itself, the resolver's methods, the arena."""

    content: bytes
    graph: Graph
    methods: tuple[str, ...]
    arena: TflmArena


@dataclass(frozen=True, slots=True)
class TflmBundle:
    """What was written.

    Attributes:
        arena_bytes: a bound from above: `planned_bytes` of activations and scratch memory, and an allowance.
        methods: of the resolver, one an operator.
        operators: of the file, with how many of each.
    """

    out: Path
    name: str
    source: str
    source_sha256: str
    model_bytes: int
    arena_bytes: int
    planned_bytes: int
    methods: tuple[str, ...]
    operators: dict[str, int]


def write_tflm_bundle(path: Path, *, name: str, out: Path, target: Target, overwrite: bool) -> TflmBundle:
    """Write the `.tflite` file at `path` as a folder that builds with TensorFlow Lite Micro.

    Args:
        path: the model.
        name: identifier of C; prefix of what the headers declare.
        out: folder, made whole or not at all.
        target: its budgets are held before anything is written.
        overwrite: replace the folder.

    Raises:
        RunExistsError: `out` is there.
        FileFormatError: the file is damaged.
        UnsupportedModelError: see `resolver_methods`.
        BudgetError: more flash or RAM than the target has.
        DiskFullError, OutputFileError: it cannot be written.
    """
    require_free(out, overwrite=overwrite)
    plan = plan_tflm(path)
    content, graph, methods, arena = plan.content, plan.graph, plan.methods, plan.arena
    require_fit(path, target, len(content), arena.num_bytes)
    bundle = TflmBundle(
        out,
        name,
        path.name,
        hashlib.sha256(content).hexdigest(),
        len(content),
        arena.num_bytes,
        arena.planned_bytes,
        methods,
        dict(sorted(Counter(op.kind for op in graph.ops).items())),
    )
    with atomic_path(out) as folder:
        folder.mkdir()
        for file, text in _files(content, _signature(graph), bundle).items():
            (folder / file).write_text(text, encoding="utf-8")
    return bundle


def plan_tflm(path: Path) -> TflmPlan:
    """Read the `.tflite` file at `path` and plan its resolver and arena.

    Raises:
        FileFormatError: the file is damaged.
        UnsupportedModelError: see `resolver_methods`.
    """
    content = path.read_bytes()
    try:
        graph = _with_stored_shapes(read_tflite(path), content)
        return TflmPlan(content, graph, resolver_methods(graph), plan_tflm_arena(graph))
    except (IndexError, KeyError, TypeError, ValueError) as exc:  # a damaged file; a sound one has none
        raise FileFormatError(
            str(path),
            found=f"operators that do not fit their tensors ({type(exc).__name__}: {exc})",
            expected="a model as a converter wrote it",
            next_step="export the model again",
        ) from None


def _with_stored_shapes(graph: Graph, content: bytes) -> Graph:
    """Return the graph with the shapes that TFLM allocates: those stored, where the signature leaves sizes open."""
    from ai_edge_litert import schema_py_generated as schema

    stored = schema.Model.GetRootAs(content, 0).Subgraphs(0)
    tensors = {}
    for index, (name, tensor) in enumerate(graph.tensors.items()):
        if any(size < 0 for size in tensor.shape):
            shape = tuple(int(size) for size in stored.Tensors(index).ShapeAsNumpy())
            tensor = dataclasses.replace(tensor, shape=shape)
        tensors[name] = tensor
    return dataclasses.replace(graph, tensors=tensors)


def _signature(graph: Graph) -> Signature:
    def specs(names: tuple[str, ...]) -> tuple[TensorSpec, ...]:
        found = []
        for name in names:
            tensor = graph.tensors[name]
            scale = tensor.quantization.scale if tensor.quantization else ()
            zero = tensor.quantization.zero_point if tensor.quantization else ()
            found.append(TensorSpec(tensor.name, tensor.shape, tensor.dtype, tuple(scale), tuple(zero)))
        return tuple(found)

    return Signature(specs(graph.inputs), specs(graph.outputs))


def _files(content: bytes, signature: Signature, bundle: TflmBundle) -> dict[str, str]:
    name, upper = bundle.name, bundle.name.upper()
    inputs, outputs = range(len(signature.inputs)), range(len(signature.outputs))
    common = {"name": name, "upper": upper, "num_operators": str(len(bundle.methods))}
    arena = {
        "planned_bytes": f"{bundle.planned_bytes:,}",
        "overhead_bytes": f"{bundle.arena_bytes - bundle.planned_bytes:,}",
    }
    return {
        f"{name}.h": array_header(content, signature, name=name),
        f"{name}.cc": array_source(content, name=name),
        f"{name}_tflm.h": fill_template(
            "tflm/glue.h",
            **common,
            **arena,
            arena_bytes=str(bundle.arena_bytes),
            declare_inputs="\n".join(f"{name}_input{i}_t *{name}_input{i}(void);" for i in inputs),
            declare_outputs="\n".join(f"const {name}_output{i}_t *{name}_output{i}(void);" for i in outputs),
        ),
        f"{name}_tflm.cc": fill_template(
            "tflm/glue.cc",
            **common,
            add_operators="\n".join(f"  ok = is_ok(resolver->{method}()) && ok;" for method in bundle.methods),
            check_tensors="\n".join(
                [_check(name, "input", i) for i in inputs] + [_check(name, "output", i) for i in outputs]
            ),
            define_tensors="\n".join(
                [_access(name, "input", i) for i in inputs] + [_access(name, "output", i) for i in outputs]
            ),
        ),
        "main.cc": fill_template(
            "tflm/main.cc",
            **common,
            fill="\n".join(
                f"    std::memset({name}_input{i}(), 0, {upper}_INPUT{i}_NUM_ELEMENTS * sizeof({name}_input{i}_t));"
                for i in inputs
            ),
        ),
        "CMakeLists.txt": fill_template("tflm/CMakeLists.txt", **common),
        "README.md": fill_template(
            "tflm/README.md",
            **common,
            **arena,
            arena_bytes=f"{bundle.arena_bytes:,}",
            version=__version__,
            source=bundle.source,
            model_bytes=f"{bundle.model_bytes:,}",
            operators=_counted(bundle.operators),
        ),
        BUNDLE_FILE: _toml(bundle),
    }


def _check(name: str, role: str, index: int) -> str:
    size = f"{name.upper()}_{role.upper()}{index}_NUM_ELEMENTS * sizeof({name}_{role}{index}_t)"
    return f"  ok = interpreter->{role}({index})->bytes == {size} && ok;"


def _access(name: str, role: str, index: int) -> str:
    const = "const " if role == "output" else ""
    kind = f"{const}{name}_{role}{index}_t *"
    return (
        f"{kind}{name}_{role}{index}(void) {{\n"
        f"  return started_ == nullptr ? nullptr : static_cast<{kind}>(started_->{role}({index})->data.data);\n"
        "}"
    )


def _counted(operators: dict[str, int]) -> str:
    return ", ".join(f"{count} {kind}" for kind, count in operators.items())


def _toml(bundle: TflmBundle) -> str:
    lines = [
        'runtime = "tflm"',
        f'name = "{bundle.name}"',
        f'source = "{quoted(bundle.source)}"',
        f'source_sha256 = "{bundle.source_sha256}"',
        f'edgetool = "{__version__}"',
        f"model_bytes = {bundle.model_bytes}",
        f"arena_bytes = {bundle.arena_bytes}",
        f"planned_bytes = {bundle.planned_bytes}",
        f"resolver = {json.dumps(bundle.methods)}",
        "",
        "[operators]",
        *(f'"{quoted(kind)}" = {count}' for kind, count in bundle.operators.items()),
    ]
    return "\n".join([*lines, ""])
