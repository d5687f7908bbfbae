"""A PyTorch program: to ONNX by torch's own exporter, to TFLite by litert-torch where that is installed."""

from __future__ import annotations

import dataclasses
import functools
import importlib.util
import io
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from edgetool.artifact import TensorSpec
from edgetool.bounds.archive import open_archive
from edgetool.bounds.memory import MODEL_BYTES
from edgetool.data.batching import fitting_batch
from edgetool.data.dataset import Array
from edgetool.errors import (
    EdgetoolError,
    ExportError,
    FileFormatError,
    MissingDependencyError,
    UnsupportedModelError,
)
from edgetool.extras import install_command
from edgetool.importers import IMPORTERS
from edgetool.importers.base import ImportedModel, ImportOptions
from edgetool.importers.files import require_static
from edgetool.importers.torch_archive import read_program
from edgetool.passes.frozen import FloatGraph, FrozenModel
from edgetool.runners.agent import by_sample, place_samples, sample_axes, samples_first

if TYPE_CHECKING:
    import torch
    from torch.fx import Node

__all__ = ["OPSET", "adopt_program", "load_pt2"]

#: The operator set that the steps over ONNX graphs are tested with.
OPSET = 18
#: Samples that the program runs at once where its batch is open.
BATCH_SIZE = 64
_ACTIVATIONS = ("softmax", "sigmoid")
_PASS_THROUGH = ("view", "reshape", "squeeze", "flatten", "clone", "contiguous", "alias", "_to_copy", "unsqueeze")


def load_pt2(path: Path, options: ImportOptions) -> ImportedModel:
    """Load a `torch.export` program; see `Importer`. Without trust, nothing of it is unpickled or executed.

    Raises:
        MissingDependencyError: torch is not installed.
        FileFormatError: damaged.
        UntrustedModelError: pickles, compiled code or operators outside torch's own.
        UnsupportedModelError: see `adopt_program`.
    """
    with open_archive(path, free=MODEL_BYTES):
        pass  # what it claims is bounded, trusted or not
    plain = None if options.trust else read_program(path)
    torch = require_torch(str(path))
    try:
        program = torch.export.load(path if plain is None else _archive(torch, plain))
    except Exception as exc:  # noqa: BLE001 - readers raise anything on a damaged file
        raise FileFormatError(
            str(path),
            found=f"a program that torch cannot load ({type(exc).__name__}: {' '.join(str(exc).split())[:300]})",
            expected="a program of torch.export.save, of this version of torch or an older one",
            next_step="save it again",
        ) from None
    return adopt_program(program, str(path), path.stem)


def require_torch(subject: str) -> Any:
    """Return torch.

    Raises:
        MissingDependencyError: it is not installed.
    """
    try:
        import torch
        import torch.export
    except ImportError:
        raise MissingDependencyError(
            subject,
            found="no torch in this environment",
            expected="PyTorch, which PyTorch programs need",
            next_step=f"{install_command('torch')}, or export the model to ONNX and give the .onnx file",
        ) from None
    return torch


def adopt_program(program: torch.export.ExportedProgram, subject: str, name: str, *, digest: str = "") -> ImportedModel:
    """Describe a `torch.export.ExportedProgram` as what an importer gives.

    Args:
        program: The exported program, in inference mode; it is not modified.
        subject: what errors are about.
        name: The name of the model.
        digest: The digest of `ImportedModel`; empty for files.

    Raises:
        UnsupportedModelError: exported for training, other inputs than float32 and integer tensors, parameters of
            another type, or open dimensions other than the batch.
    """
    _require_inference(program, subject)
    stated, outputs = _signature(program, subject)
    axes = sample_axes(_dims(program))
    inputs = tuple(
        dataclasses.replace(spec, shape=by_sample(spec.shape, axis) if spec.shape else ())
        for spec, axis in zip(stated, axes, strict=True)
    )
    require_static(subject, inputs)
    program.example_inputs = (tuple(_example(spec) for spec in stated), {})
    module = program.module(check_guards=False)
    to_onnx = functools.cache(lambda: _to_onnx(program, subject))
    to_tflite = functools.cache(lambda: _to_tflite(module, stated, subject))
    source = IMPORTERS["pt2"]
    model = FrozenModel(
        name=name,
        origin=source.title,
        inputs=inputs,
        outputs=outputs,
        graphs=(
            FloatGraph("onnx", to_onnx, is_possible=_has("onnxscript")),
            FloatGraph("tflite", to_tflite, is_possible=_has("litert_torch")),
        ),
        instead=source.instead,
    )
    return ImportedModel(
        model=model,
        source_format="function" if digest else "pt2",
        num_params=sum(int(tensor.numel()) for tensor in program.state_dict.values()),
        inputs=inputs,
        outputs=outputs,
        last_activation=_last_activation(program),
        runtime="torch",
        run=lambda arrays: _run(module, arrays, inputs, axes),
        digest=digest,
    )


def _archive(torch: ModuleType, entries: dict[str, bytes]) -> io.BytesIO:
    """Write an archive of checked entries, with sample inputs that hold nothing."""
    nothing, archive = io.BytesIO(), io.BytesIO()
    torch.save(((), {}), nothing)
    entries = {**entries, "data/sample_inputs/model.pt": nothing.getvalue()}
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as target:
        for name, content in entries.items():
            target.writestr(f"model/{name}", content)
    archive.seek(0)
    return archive


def _has(package: str) -> bool:
    return importlib.util.find_spec(package) is not None


def _require_inference(program: torch.export.ExportedProgram, subject: str) -> None:
    for node in program.graph.nodes:
        kind = str(node.target)
        training = ("dropout" in kind and node.args[-1] is True) or (
            kind.startswith("aten.batch_norm") and len(node.args) > 5 and node.args[5] is True
        )
        if training:
            raise UnsupportedModelError(
                f"{subject}: {node.name}",
                found=f"{kind} as in training",
                expected="a program for inference",
                next_step="call model.eval() before torch.export.export, and save it again",
            )
    for name, tensor in program.state_dict.items():
        if tensor.is_floating_point() and str(tensor.dtype) != "torch.float32":
            raise UnsupportedModelError(
                f"{subject}: {name}",
                found=f"dtype {str(tensor.dtype).removeprefix('torch.')}",
                expected="float32",
                next_step="call model.float() before torch.export.export; recipes make smaller types of it",
            )


def _signature(
    program: torch.export.ExportedProgram, subject: str
) -> tuple[tuple[TensorSpec, ...], tuple[TensorSpec, ...]]:
    """Return inputs and outputs that a user gives and gets."""
    wanted = list(program.graph_signature.user_inputs)
    nodes = {node.name: node for node in program.graph.nodes if node.op == "placeholder"}
    made = [node for node in program.graph.output_node().args[0] if getattr(node, "name", None) is not None]
    given = set(program.graph_signature.user_outputs)
    if not all(name in nodes for name in wanted):
        raise UnsupportedModelError(
            subject, found="inputs that are no tensors", expected="tensors alone", next_step="fix the others and export"
        )
    return (
        tuple(_spec(nodes[name], subject) for name in wanted),
        tuple(_spec(node, subject) for node in made if node.name in given),
    )


def _dims(program: torch.export.ExportedProgram) -> list[tuple[int | str | None, ...]]:
    """Return the dimensions of the inputs that a user gives: a size, or the name of an open one."""
    nodes = {node.name: node for node in program.graph.nodes if node.op == "placeholder"}
    return [
        tuple(size if isinstance(size, int) else str(size) for size in nodes[name].meta["val"].shape)
        for name in program.graph_signature.user_inputs
    ]


def _spec(node: Node, subject: str) -> TensorSpec:
    value = node.meta.get("val")
    dtype = str(getattr(value, "dtype", "")).removeprefix("torch.")
    if dtype not in ("float32", "int64", "int32", "int16", "int8", "uint8", "bool"):
        raise UnsupportedModelError(
            f"{subject}: {node.name}",
            found=f"dtype {dtype}" if dtype else f"a {type(value).__name__}",
            expected="a tensor of float32 or integers",
            next_step="export the model again with such inputs and outputs",
        )
    return TensorSpec(node.name, tuple(size if isinstance(size, int) else -1 for size in value.shape), dtype)


def _example(spec: TensorSpec, batch: int = 2) -> torch.Tensor:
    """Return zeros of an input's shape; two samples where the batch is open, because exporters take 1 for fixed."""
    import torch

    shape = [batch if size < 0 else size for size in spec.shape]
    return torch.zeros(shape, dtype=getattr(torch, spec.dtype))


def _last_activation(program: torch.export.ExportedProgram) -> str:
    """Return `softmax` or `sigmoid` where that makes the first output; else empty."""
    node = next(iter(program.graph.output_node().args[0]), None)
    while node is not None:
        kind = str(node.target).removeprefix("aten.").partition(".")[0]
        if kind in _PASS_THROUGH and node.args:
            node = node.args[0]
            continue
        return next((name for name in _ACTIVATIONS if kind.strip("_") == name), "")
    return ""


def _run(
    module: Callable[..., object], arrays: tuple[Array, ...], inputs: tuple[TensorSpec, ...], axes: list[int | None]
) -> tuple[Array, ...]:
    """Run the program on all samples; a fixed batch is filled up with the last sample."""
    import torch

    num_samples = len(arrays[0])
    fixed = max((spec.shape[0] for spec in inputs), default=1)
    step = fixed if fixed > 0 else fitting_batch([x.shape for x in arrays], BATCH_SIZE)
    parts: list[list[Array]] = []
    for start in range(0, num_samples, step):
        chunk = [np.asarray(x[start : start + step]).astype(s.dtype) for x, s in zip(arrays, inputs, strict=True)]
        missing = step - len(chunk[0]) if fixed > 0 else 0
        if missing:
            chunk = [np.concatenate([x, np.repeat(x[-1:], missing, axis=0)]) for x in chunk]
        with torch.no_grad():
            outputs = module(*(torch.from_numpy(place_samples(x, axis)) for x, axis in zip(chunk, axes, strict=True)))
        flat = torch.utils._pytree.tree_leaves(outputs)
        rows = [samples_first(output.numpy(), len(chunk[0])) for output in flat]
        parts.append([row[: step - missing] for row in rows])
    return tuple(np.concatenate(rows) for rows in zip(*parts, strict=True))


def _to_onnx(program: torch.export.ExportedProgram, subject: str) -> bytes:
    """Convert by torch.onnx, batch open where the program's is."""
    if not _has("onnxscript"):
        raise MissingDependencyError(
            subject,
            found="no onnxscript in this environment",
            expected="the package that torch.onnx exports with",
            next_step=install_command("torch"),
        )
    import torch

    try:
        exported = torch.onnx.export(program, (), dynamo=True, opset_version=OPSET, verbose=False)
    except Exception as exc:
        raise _refused("torch.onnx", subject, exc) from exc
    content: bytes = exported.model_proto.SerializeToString()
    return content


def _to_tflite(module: torch.nn.Module, inputs: tuple[TensorSpec, ...], subject: str) -> bytes:
    """Convert by litert-torch, for one sample at a time where the batch is open."""
    if not _has("litert_torch"):
        raise MissingDependencyError(
            subject,
            found="no litert-torch in this environment",
            expected="the package that makes TFLite files of PyTorch programs",
            next_step=install_command("litert-torch"),
        )
    try:
        import litert_torch

        converted = litert_torch.convert(module, tuple(_example(spec, batch=1) for spec in inputs))
        with tempfile.TemporaryDirectory(prefix="edgetool-") as folder:
            target = Path(folder) / "model.tflite"
            converted.export(str(target))
            return target.read_bytes()
    except EdgetoolError:
        raise
    except Exception as exc:
        raise _refused("litert-torch", subject, exc) from exc


def _refused(converter: str, subject: str, exc: Exception) -> ExportError:
    lines = [line.strip() for line in str(exc).splitlines() if line.strip()]
    return ExportError(
        subject,
        found=f"{converter} refused it ({type(exc).__name__}: {' '.join(lines)[-300:]})",
        expected="operators that it converts",
        next_step="replace them, or take recipes that export the other format",
    )
