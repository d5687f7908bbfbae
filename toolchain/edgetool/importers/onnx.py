"""An `.onnx` file as it is: onnxruntime's quantisers take it, nothing else does."""

from __future__ import annotations

from pathlib import Path

from edgetool.errors import FileFormatError, UnsupportedModelError
from edgetool.importers.base import ImportedModel, ImportOptions
from edgetool.importers.files import import_file
from edgetool.ir.onnx import read_onnx

__all__ = ["load_onnx"]

#: Protocol buffers end here; models with external data are read into one buffer.
MAX_BYTES = 2**31 - 1
DOMAINS = ("", "ai.onnx", "com.microsoft")


def load_onnx(path: Path, options: ImportOptions) -> ImportedModel:  # noqa: ARG001 - the contract's signature
    """Load an ONNX model; see `Importer`.

    Raises:
        FileFormatError: damaged.
        UnsupportedModelError: quantised already, other than float32, open dimensions other than the batch, graphs
            within the graph, operators of other domains, or larger than 2 GiB.
    """
    graph = read_onnx(path)
    content = _whole(path)
    _require_plain(path, content)
    return import_file(path, graph, "onnx", "onnxruntime", lambda: content)


def _whole(path: Path) -> bytes:
    """Return the model with weights from files beside it inside."""
    import onnx

    size = path.stat().st_size
    try:
        model = onnx.load(path)
        external = sum(int(tensor.ByteSize()) for tensor in model.graph.initializer)
        size = max(size, external)
        if size <= MAX_BYTES:
            content: bytes = model.SerializeToString()
            return content
    except (OSError, ValueError, onnx.checker.ValidationError) as exc:
        raise FileFormatError(
            str(path),
            found=f"weights that cannot be read ({' '.join(str(exc).split())[:200]})",
            expected="the model, and the files of its weights beside it",
            next_step="copy these files too, or save the model as one file",
        ) from None
    raise UnsupportedModelError(
        str(path),
        found=f"a model of {size:,} bytes",
        expected=f"at most {MAX_BYTES:,}: the quantisers hold the model in one protocol buffer",
        next_step="compress the model in its framework",
    )


def _require_plain(path: Path, content: bytes) -> None:
    """Refuse what the passes over ONNX graphs do not look into: inner graphs, foreign operators."""
    import onnx

    model = onnx.load_from_string(content)
    functions = {(function.domain, function.name) for function in model.functions}
    for node in (*model.graph.node, *(node for function in model.functions for node in function.node)):
        name = node.name or (node.output[0] if node.output else node.op_type)
        if any(item.type in (onnx.AttributeProto.GRAPH, onnx.AttributeProto.GRAPHS) for item in node.attribute):
            raise UnsupportedModelError(
                f"{path}: {name}",
                found=f"{node.op_type}, which holds a graph of its own",
                expected="one graph without If, Loop or Scan",
                next_step="export the model again with fixed shapes and control flow resolved, "
                "or simplify it with onnxsim",
            )
        if node.domain not in DOMAINS and (node.domain, node.op_type) not in functions:
            raise UnsupportedModelError(
                f"{path}: {name}",
                found=f"operator {node.domain}::{node.op_type}",
                expected="operators of ONNX, which onnxruntime has kernels for",
                next_step="replace it by standard operators",
            )
