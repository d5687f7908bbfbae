"""A PyTorch module in memory becomes a program of `torch.export`, its batch open where that can be."""

from __future__ import annotations

import hashlib
from types import ModuleType
from typing import TYPE_CHECKING

from edgetool.errors import UnsupportedModelError
from edgetool.importers.base import ImportedModel, ImportOptions
from edgetool.importers.torch import adopt_program, require_torch

if TYPE_CHECKING:
    import torch

__all__ = ["adopt_torch"]


def adopt_torch(source: object, subject: str, name: str, options: ImportOptions) -> ImportedModel:
    """Export what a function returned.

    Args:
        source: A module, (module, example), or an ExportedProgram. The example is a tensor or a tuple of tensors,
            batch first.
        subject: what errors are about.
        name: The name of the model.
        options: input shapes, where there is no example.

    Raises:
        UnsupportedModelError: no example and no shapes, or torch.export refused the module.
        MissingDependencyError: torch is not installed.
    """
    torch = require_torch(subject)
    if isinstance(source, torch.export.ExportedProgram):
        program = source
    else:
        module, example = source if isinstance(source, tuple) and len(source) == 2 else (source, None)
        program = _export(torch, module, _example(torch, example, subject, options), subject)
    return adopt_program(program, subject, name, digest=_digest(program))


def _example(torch: ModuleType, example: object, subject: str, options: ImportOptions) -> tuple[torch.Tensor, ...]:
    if example is None and options.input_shapes:
        return tuple(torch.zeros(shape.sizes) for shape in options.input_shapes)
    given = tuple(example) if isinstance(example, tuple | list) else (example,)
    if example is None or not all(isinstance(item, torch.Tensor) for item in given):
        raise UnsupportedModelError(
            subject,
            found="a module without example inputs" if example is None else "an example that is no tensor",
            expected="the shape of its inputs",
            next_step="give --input-shape, for example 1x3x32x32, or return (module, example) from the function",
        )
    return given


def _export(
    torch: ModuleType, module: torch.nn.Module, example: tuple[torch.Tensor, ...], subject: str
) -> torch.export.ExportedProgram:
    """Export with the batch open, else with the example's own."""
    module = module.eval().cpu()
    twice = tuple(torch.cat([x, x]) if x.dim() else x for x in example)
    batch = torch.export.Dim("N")
    shapes = tuple({0: batch} if x.dim() else None for x in example)
    try:
        return torch.export.export(module, twice, dynamic_shapes=shapes)
    except Exception:  # noqa: BLE001 - a batch that cannot be open; the second try says what else is wrong
        torch._dynamo.reset()
    try:
        return torch.export.export(module, example)
    except Exception as exc:
        raise UnsupportedModelError(
            subject,
            found=f"a module that torch.export refused ({type(exc).__name__}: {' '.join(str(exc).split())[:300]})",
            expected="a module whose graph does not depend on its inputs' values",
            next_step="call torch.export.export(module.eval(), (example,)) by itself and mend it",
        ) from exc


def _digest(program: torch.export.ExportedProgram) -> str:
    sha = hashlib.sha256(str(program.graph).encode())
    for name, tensor in sorted(program.state_dict.items()):
        sha.update(name.encode())
        sha.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return sha.hexdigest()
